-- A provider has paid a refund.
-- in: id uuid!, ref text!
-- out: _outcome text!
SELECT refund_finish($1, $2, $3)
