-- What is told to whom, and what is kept of it: to whom invoices are made out is sealed.

-- ---- invoice requests ----

-- Title, tax number and e-mail lie sealed under the server's key, bound to community and row. Rows
-- of before (and of servers of before, which may still run) are in clear until the server has
-- sealed them, within ten minutes: SQL has no key. `erased_at`: whoever asked was erased.
ALTER TABLE invoice_request
  ADD sealed bytea,
  ADD erased_at timestamptz,
  ALTER title DROP NOT NULL,
  DROP CONSTRAINT invoice_request_company,
  ADD CONSTRAINT invoice_request_company
    CHECK (kind = 'personal' OR tax_number IS NOT NULL OR title IS NULL),
  ADD CONSTRAINT invoice_request_whom CHECK (num_nonnulls(title, sealed, erased_at) = 1),
  ADD CONSTRAINT invoice_request_clear
    CHECK (title IS NOT NULL OR num_nonnulls(tax_number, email) = 0);
CREATE INDEX invoice_request_in_clear ON invoice_request (community_id, id)
  WHERE title IS NOT NULL;

-- A server of before reads the view, and wants some title.
CREATE OR REPLACE VIEW invoice_request_shown AS
SELECT i.community_id, i.id, i.order_id, i.member_id, i.kind, coalesce(i.title, '—') AS title,
  i.tax_number, i.email, i.state, i.number, i.reason,
  receipt_shown(r.year, r.number) AS receipt_number,
  o.paid_minor - o.refunded_minor AS amount_minor, o.currency, i.created_at, i.decided_at,
  i.version, i.title AS clear_title, i.sealed
FROM invoice_request i
JOIN orders o ON o.community_id = i.community_id AND o.id = i.order_id
LEFT JOIN receipt r ON r.community_id = i.community_id AND r.order_id = i.order_id;
