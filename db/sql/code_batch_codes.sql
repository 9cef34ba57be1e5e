-- The codes of a batch, in the order of their ids, page by page.
-- in: batch uuid!, after_id uuid, page bigint!
-- out: id uuid!, _sealed bytea, hint text!, status text!, max_uses int!, used int!,
--   valid_from timestamptz, valid_until timestamptz
-- read
SELECT c.id, c.sealed, c.hint, code_status(c, now()), c.max_uses, c.used, c.valid_from,
       c.valid_until
FROM invite_code c
WHERE c.community_id = $1 AND c.batch_id = $2
  AND c.id > coalesce($3, '00000000-0000-0000-0000-000000000000')
ORDER BY c.id LIMIT $4
