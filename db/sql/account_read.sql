-- A person's own data that belong to no community.
-- in: id uuid!
-- out: _birth_year int, _erase_after timestamptz, _has_password bool!, _contacts json!
-- global
-- read
SELECT a.birth_year::int, a.erase_after,
       EXISTS (SELECT FROM credential c WHERE c.account_id = a.id),
       coalesce((SELECT json_agg(json_build_object('kind', i.provider, 'contact', i.subject,
                                                   'proven_at', iso(i.proven_at))
                                 ORDER BY i.created_at, i.id)
                 FROM identity i WHERE i.account_id = a.id AND i.provider IN ('email', 'phone')),
                '[]')
FROM account a WHERE a.id = $1 AND a.erased_at IS NULL
