# Races, for run.sh: two sessions at once on committed rows of a community made for it.
# shellcheck shell=bash disable=SC2154

race_sql() { "$psql" -XqAt -v ON_ERROR_STOP=1 -v VERBOSITY=verbose "$url" -f - ; }
race_id=$((910000000 + $$))
a=00000000-0000-7000-8000-0000000000a1 b=00000000-0000-7000-8000-0000000000b1

race_clean() {
  race_sql <<SQL
DELETE FROM community_keeper WHERE community_id = $race_id;
DELETE FROM entitlement WHERE community_id = $race_id;
DELETE FROM product WHERE community_id = $race_id;
DELETE FROM member WHERE community_id = $race_id;
DELETE FROM community WHERE id = $race_id;
SQL
}

race_sql <<SQL
INSERT INTO community (id, slug, kind, name)
VALUES ($race_id, 'race-$race_id', 'meetup', '{"en": "x"}');
INSERT INTO member (community_id, id, account_id, role, display_name) VALUES
  ($race_id, '$a', '$a', 'owner', 'A'), ($race_id, '$b', '$b', 'owner', 'B');
INSERT INTO community_keeper (community_id, member_id) VALUES ($race_id, '$a');
INSERT INTO product (community_id, id, slug, kind, name)
VALUES ($race_id, '$a', 'm', 'membership', '{"en": "x"}');
SQL

# Both owners are demoted at once, each by a statement that leaves the other as keeper.
demote() {
  race_sql <<SQL 2>&1
SET deadlock_timeout = '100ms';
BEGIN;
SELECT pg_sleep(0.2);
WITH kept AS (UPDATE community_keeper k SET member_id = '$2'
              WHERE community_id = $race_id AND member_id = '$1')
UPDATE member SET role = 'member' WHERE community_id = $race_id AND id = '$1';
SELECT pg_sleep(0.2);
COMMIT;
SQL
}
for _ in 1 2 3; do
  demote "$a" "$b" >"$out/race1" & one=$!
  demote "$b" "$a" >"$out/race2" & two=$!
  wait $one $two
done
verdict "two owners who demote each other leave one" "= 1" \
  "= $(echo "SELECT count(*) FROM member WHERE community_id = $race_id AND keeps" | race_sql)"

# Eight sessions append the same span for one member: one of them is written.
for i in 1 2 3 4 5 6 7 8; do
  race_sql >/dev/null 2>&1 <<SQL &
INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source,
                         granted_by, reason)
VALUES ($race_id, '$a', '01900000-0000-7000-8000-00000000000$i', '$a', '$a',
        '[2026-01-01Z,2026-02-01Z)', 'comp', '$b', 'x');
SQL
done
wait
verdict "eight who grant the same span at once grant it once" "= 1" \
  "= $(echo "SELECT count(*) FROM entitlement WHERE community_id = $race_id" | race_sql)"
race_clean
