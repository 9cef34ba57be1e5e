-- Who has redeemed a code of which nothing is left: all others can be told so from memory, until a
-- seat comes back. No row when it is not so, when the code answers otherwise to whoever asks, or
-- when more than `most` have redeemed it.
-- in: digest bytea!, most int!
-- out: holders uuid[], until timestamptz
-- read
SELECT (SELECT array_agg(r.member_id ORDER BY r.member_id) FROM redemption r
        WHERE r.community_id = $1 AND r.code_id = c.id AND r.released_at IS NULL), c.valid_until
FROM invite_code c
WHERE c.community_id = $1 AND c.digest = $2 AND c.used + c.held >= c.max_uses AND c.used <= $3
  AND c.revoked_at IS NULL AND c.reserved_subject IS NULL
  AND coalesce(c.valid_from <= now(), true) AND coalesce(c.valid_until > now(), true)
