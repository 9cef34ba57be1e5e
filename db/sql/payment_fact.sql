-- What a provider answered when it was asked, as if a notification had told it.
-- in: provider text!, facts json!
-- out: _outcome text!
SELECT payment_fact_apply($1, $2, $3::jsonb, 'job')
