-- Codes whose counts are not what their redemptions and holds come to.
-- out: row text!, says text!, todo text!
-- read
SELECT 'code ' || c.id, 'used says ' || c.used || ', its live redemptions are ' || r.live
    || '; held says ' || c.held || ', its open holds are ' || h.open,
  'set the counts to what is there, after looking at the code''s proof'
FROM invite_code c
CROSS JOIN LATERAL (
  SELECT count(*) AS live FROM redemption r
  WHERE r.community_id = $1 AND r.code_id = c.id AND r.released_at IS NULL) AS r
CROSS JOIN LATERAL (
  SELECT count(*) AS open FROM code_hold h
  WHERE h.community_id = $1 AND h.code_id = c.id AND h.ended_at IS NULL) AS h
WHERE c.community_id = $1 AND (c.used <> r.live OR c.held <> h.open)
ORDER BY c.id LIMIT 200
