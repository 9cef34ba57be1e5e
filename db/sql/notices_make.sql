-- Makes the notices of what happened in a community since the last time.
-- in: id uuid!
-- out: _done bool!
-- again: safe
SELECT notices_make($1, 10000) FROM (SELECT $2::uuid) AS any_of_them
