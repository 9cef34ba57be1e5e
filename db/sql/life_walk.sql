-- Does what is due about the memberships of a community's next members.
-- in: id uuid!
-- out: _done bool!
-- again: safe
SELECT life_walk($1, $2, 500)
