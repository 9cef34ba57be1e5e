-- The public face of a community: what the global row says, handed back, beside how many people and
-- lectures there are. Who joined a moment ago may be missing: the answer is kept in memory.
-- in: slug text!, name json!, about json, kind text!, zone text!, locale text!, currency text!,
--   icp_number text
-- out: slug text!, name json!, about json, kind text!, zone text!, locale text!, currency text!,
--   icp_number text, counts json!
-- read
SELECT $2::text, $3::json, $4::json, $5::text, $6::text, $7::text, $8::text, $9::text,
       json_build_object(
         'members', (SELECT count(*) FROM member
                     WHERE community_id = $1 AND left_at IS NULL AND state <> 'banned'
                       AND role <> 'guest'),
         'lecturers', (SELECT count(*) FROM lecturer WHERE community_id = $1),
         'lectures_to_come', (SELECT count(*) FROM lecture
                              WHERE community_id = $1 AND status = 'scheduled'
                                AND lower(during) > now()))
