-- Is this contact a proven one of this account? What a code reserved for somebody asks.
-- in: account_id uuid!, provider text!, subject text!
-- out: _owns bool!
-- global
-- read
SELECT EXISTS (
  SELECT FROM identity
  WHERE account_id = $1 AND provider = $2 AND app_id = '' AND subject = $3
    AND proven_at IS NOT NULL)
