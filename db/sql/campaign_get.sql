-- One campaign, and how many codes it has given out.
-- in: id uuid!
-- out: id uuid!, name text!, source text, quota int, valid_from timestamptz,
--   valid_until timestamptz, once_per_member bool!, created_at timestamptz!,
--   ended_at timestamptz, version int!, codes bigint!
-- read
SELECT id, name, source, quota, valid_from, valid_until, once_per_member, created_at, ended_at,
  version,
  (SELECT count(*) FROM invite_code i
   WHERE i.community_id = $1 AND i.campaign_id = c.id AND i.batch_id IS NULL)
  + (SELECT coalesce(sum(b.count), 0) FROM code_batch b
     WHERE b.community_id = $1 AND b.campaign_id = c.id)::bigint
FROM campaign c WHERE c.community_id = $1 AND c.id = $2
