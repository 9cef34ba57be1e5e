-- promise: a community's slug is unique
-- expect: community_slug
INSERT INTO community (slug, kind, name) VALUES ('promises-a', 'meetup', :n);
-- promise: a proven contact belongs to one account
-- expect: identity_proven
INSERT INTO identity (id, account_id, provider, subject, proven_at) VALUES
  (:new1, :ann, 'email', 'promise@example.org', now()), (:new2, :bob, 'email',
    'promise@example.org', now());
-- promise: an unproven contact keeps nobody from it
-- expect: ok
INSERT INTO identity (id, account_id, provider, subject, proven_at) VALUES
  (:new1, :ann, 'email', 'promise@example.org', now()), (:new2, :bob, 'email',
    'promise@example.org', NULL);
-- promise: an e-mail address is kept in lower case only
-- expect: identity_subject
INSERT INTO identity (id, account_id, provider, subject)
  VALUES (:new1, :ann, 'email', 'A@example.org');
-- promise: a phone number is kept as E.164 only
-- expect: identity_subject
INSERT INTO identity (id, account_id, provider, subject)
  VALUES (:new1, :ann, 'phone', '13800138000');
-- promise: the same openid in two apps may be two people
-- expect: ok
INSERT INTO identity (id, account_id, provider, app_id, subject, proven_at) VALUES
  (:new1, :ann, 'wechat_openid', 'wx1', 'o1', now()), (:new2, :bob, 'wechat_openid', 'wx2', 'o1',
    now());
-- promise: an openid names its app
-- expect: identity_app
INSERT INTO identity (id, account_id, provider, subject)
  VALUES (:new1, :ann, 'wechat_openid', 'o1');
-- promise: a password is kept as Argon2id only
-- expect: credential_argon2id
INSERT INTO credential (account_id, password_hash) VALUES (:ann, 'secret');
-- promise: an account is one member of a community
-- expect: member_account
INSERT INTO member (community_id, id, account_id, display_name)
  VALUES (:c, :new1, :cat, 'Cat again');
-- promise: nobody refers themselves
-- expect: member_referred_by_earlier
INSERT INTO member (community_id, id, account_id, display_name, referred_by)
  VALUES (:c, :new1, :new1, 'N', :new1);
-- promise: referrals make no circle
-- expect: member_referred_by_earlier
INSERT INTO member (community_id, id, account_id, display_name, referred_by) VALUES
  (:c, :new1, :new1, 'N', :new2), (:c, :new2, :new2, 'O', :new1);
-- promise: a referrer is of the same community
-- expect: member_referred_by
INSERT INTO member (community_id, id, account_id, display_name, referred_by)
  VALUES (:other, :new1, :new1, 'N', :ann);
-- promise: a state other than active has a reason and an author
-- expect: member_state_reasoned
UPDATE member SET state = 'banned' WHERE community_id = :c AND id = :cat;
-- promise: the kept owner can't be demoted
-- expect: community_keeper_owner
UPDATE member SET role = 'member' WHERE community_id = :c AND id = :ann;
-- promise: the kept owner can't be banned
-- expect: community_keeper_owner
UPDATE member SET state = 'banned', state_reason = 'x', state_by = :bob
  WHERE community_id = :c AND id = :ann;
-- promise: the kept owner can't leave
-- expect: community_keeper_owner
UPDATE member SET left_at = now() WHERE community_id = :c AND id = :ann;
-- promise: a keeper is an owner
-- expect: community_keeper_owner
UPDATE community_keeper SET member_id = :cat WHERE community_id = :c;
-- promise: an owner may go when another keeps the community, in one statement
-- expect: ok
WITH kept AS (UPDATE community_keeper SET member_id = :bob WHERE community_id = :c)
UPDATE member SET role = 'member' WHERE community_id = :c AND id = :ann;
-- promise: all owners at once can't be demoted
-- expect: community_keeper_owner
UPDATE member SET role = 'member' WHERE community_id = :c AND role = 'owner';
-- promise: the server can't remove the keeper's row
-- expect: 42501
SET ROLE lyceum_server;
DELETE FROM community_keeper WHERE community_id = :c;
-- promise: consent names a version that exists
-- expect: consent_text
INSERT INTO consent (community_id, member_id, kind, version) VALUES (:c, :cat, 'rules', 2);
-- promise: a version is accepted once
-- expect: consent_pkey
INSERT INTO consent (community_id, member_id, kind, version)
  VALUES (:c, :cat, 'rules', 1), (:c, :cat, 'rules', 1);
-- promise: a guardian's consent names the guardian
-- expect: consent_guardian
INSERT INTO consent (community_id, member_id, kind, version) VALUES (:c, :cat, 'guardian', 1);
-- promise: a challenge has five tries
-- expect: challenge_tries
INSERT INTO challenge (community_id, id, purpose, provider, subject, digest, expires_at, tries)
VALUES (:c, :new1, 'sign_in', 'email', 'a@b', 'x', now() + interval '10 minutes', 6);
-- promise: a challenge is short-lived
-- expect: challenge_short
INSERT INTO challenge (community_id, id, purpose, provider, subject, digest, expires_at)
VALUES (:c, :new1, 'sign_in', 'email', 'a@b', 'x', now() + interval '1 hour');
-- promise: a contact is written to ten times a day at most
-- expect: contact_budget_daily
INSERT INTO contact_budget VALUES ('x', current_date, 11, now());
-- promise: a session belongs to a member of its community
-- expect: session_member
INSERT INTO session (community_id, id, account_id, member_id, refresh_digest, expires_at)
VALUES (:other, :new1, :ann, :ann, 'd', now());
-- promise: a refresh token belongs to one session
-- expect: session_refresh
INSERT INTO session (community_id, id, account_id, member_id, refresh_digest, expires_at)
VALUES (:c, :new1, :ann, :ann, 'd', now()), (:c, :new2, :bob, :bob, 'd', now());
-- promise: a bilingual text has a language we speak
-- expect: bilingual_form
UPDATE community SET name = '{"fr": "x"}' WHERE id = :c;
-- promise: a bilingual text holds text
-- expect: bilingual_form
UPDATE community SET name = '{"en": 1}' WHERE id = :c;
-- promise: a moment is written as RFC 3339 in UTC with milliseconds
-- expect: = 2026-01-02T03:04:05.678Z
SET LOCAL TimeZone = 'Asia/Shanghai';
SELECT iso('2026-01-02 03:04:05.678901Z');
-- promise: a made id is a UUIDv7 of its time
-- expect: = 017f22e2-79b0-7
SELECT left(uuid7('2022-02-22 19:22:22Z')::text, 15);
