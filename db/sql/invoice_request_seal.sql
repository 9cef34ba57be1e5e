-- Puts what is sealed in the place of what stood there in clear, if it still does.
-- in: id uuid!, sealed bytea!
-- out: _id uuid!
-- again: safe
UPDATE invoice_request SET sealed = $3, title = NULL, tax_number = NULL, email = NULL
WHERE community_id = $1 AND id = $2 AND title IS NOT NULL RETURNING id
