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

-- ---- a refund that its provider refuses ----

INSERT INTO notice_topic VALUES ('refund.failed', 'refund_failed', true, true);

-- What a notice says of its order, refund or membership, in the member's language.
CREATE OR REPLACE FUNCTION notice_facts(community bigint, topic text, payload jsonb, zone text, locale text)
RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object(
    'plan', coalesce(n.name ->> locale, n.name ->> 'en', n.name ->> 'zh-CN', s.name ->> locale,
      s.name ->> 'en', s.name ->> 'zh-CN', CASE locale WHEN 'zh-CN' THEN '订单' ELSE 'order' END),
    'amount', money_words(coalesce(f.amount_minor, q.amount_minor, p.amount_minor, o.total_minor, 0),
      coalesce(o.currency, 'CNY'), locale),
    'date', coalesce(day_words(coalesce((payload ->> 'ends_at')::timestamptz,
      (payload ->> 'due_at')::timestamptz), zone, locale), ''))
  FROM (SELECT) AS one
  LEFT JOIN orders o ON o.community_id = community AND o.id = (payload ->> 'order_id')::uuid
  LEFT JOIN LATERAL (SELECT l.plan_id FROM order_line l
    WHERE l.community_id = o.community_id AND l.order_id = o.id LIMIT 1) AS l ON true
  LEFT JOIN plan n ON n.community_id = community AND n.id = l.plan_id
  LEFT JOIN product s ON s.community_id = community AND s.id = (payload ->> 'product_id')::uuid
  LEFT JOIN refund f ON f.community_id = community AND f.id = (payload ->> 'refund_id')::uuid
  LEFT JOIN refund_request q ON q.community_id = community
    AND q.id = (payload ->> 'request_id')::uuid
  LEFT JOIN payment p ON p.community_id = community AND p.id = (payload ->> 'payment_id')::uuid
$$;
