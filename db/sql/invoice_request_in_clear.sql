-- Requests for invoices of before they were sealed, or of a server of before.
-- in: most int!
-- out: community bigint!, id uuid!, whom json!
-- global
-- read
SELECT community_id, id, json_strip_nulls(json_build_object('title', title,
  'tax_number', tax_number, 'email', email))
FROM invoice_request WHERE title IS NOT NULL ORDER BY community_id, id LIMIT $1
