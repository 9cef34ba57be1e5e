-- Live spans of one member and product that overlap: the same day was given twice.
-- out: row text!, says text!, todo text!
-- read
WITH judged AS (
  SELECT e.id, e.member_id, e.span, lag(e.id) OVER w AS before, max(upper(e.span)) OVER (
    PARTITION BY e.member_id, e.product_id ORDER BY lower(e.span), e.id
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS last
  FROM entitlement e
  WHERE e.community_id = $1 AND e.voided_at IS NULL
  WINDOW w AS (PARTITION BY e.member_id, e.product_id ORDER BY lower(e.span), e.id)
)
SELECT 'span ' || id, 'it begins before another one of member ' || member_id || ' ends ('
    || before || ')',
  'the constraint entitlement_no_overlap is missing: put it back, and move the later span'
FROM judged WHERE lower(span) < last ORDER BY id LIMIT 200
