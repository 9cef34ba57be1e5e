-- What the statements that write lectures and read attendance share.

-- Is it an IANA zone? PostgreSQL also takes abbreviations and POSIX rules for one; we take only
-- names, as every calendar does.
CREATE FUNCTION zone_known(name text) RETURNS boolean
LANGUAGE plpgsql STABLE PARALLEL UNSAFE AS $$
BEGIN
  PERFORM now() AT TIME ZONE name;
  RETURN name = 'UTC' OR (name ~ '^[A-Z][A-Za-z_]+(/[A-Z][A-Za-z0-9_+-]+){1,2}$'
                          AND (name !~ '[0-9]' OR name ~ '^Etc/GMT[+-][0-9]{1,2}$'));
EXCEPTION WHEN invalid_parameter_value THEN
  RETURN false;
END $$;

-- Who can become absent: confirmed RSVPs; where there are none, those who were enrolled in the
-- lecture's course when it began and entitled at that moment.
CREATE FUNCTION roster(community bigint, lecture uuid) RETURNS TABLE (member_id uuid)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT r.member_id FROM rsvp r
  WHERE r.community_id = $1 AND r.lecture_id = $2 AND r.state = 'confirmed'
  UNION ALL
  SELECT e.member_id
  FROM lecture l
  JOIN cohort c ON c.community_id = $1 AND c.id = l.cohort_id
  JOIN enrolment e ON e.community_id = $1 AND e.cohort_id = c.id AND e.enrolled_at <= l.start_at
    AND (e.withdrawn_at IS NULL OR e.withdrawn_at > l.start_at)
  WHERE l.community_id = $1 AND l.id = $2
    AND NOT EXISTS (SELECT FROM rsvp r WHERE r.community_id = $1 AND r.lecture_id = $2
                    AND r.state = 'confirmed')
    AND CASE WHEN c.product_id IS NULL
        THEN EXISTS (SELECT FROM entitled($1, e.member_id, l.start_at))
        ELSE EXISTS (SELECT FROM entitled_to($1, e.member_id, c.product_id, l.start_at)) END
$$;
