-- promise: a code is unique in its community
-- expect: invite_code_digest
UPDATE invite_code SET digest = sha256('2') WHERE community_id = :c AND id = :code;
-- promise: a code is never used more often than it may be
-- expect: invite_code_used
UPDATE invite_code SET used = used + 3 WHERE community_id = :c AND id = :code;
-- promise: uses held for payments count against the cap
-- expect: invite_code_used
UPDATE invite_code SET used = 1, held = 2 WHERE community_id = :c AND id = :code;
-- promise: a code's uses are never negative
-- expect: invite_code_used
UPDATE invite_code SET used = -1 WHERE community_id = :c AND id = :code;
-- promise: a code reserved for one contact has one use
-- expect: invite_code_reserved
UPDATE invite_code SET reserved_provider = 'email', reserved_subject = 'a@b'
  WHERE community_id = :c AND id = :code;
-- promise: a code's plan and product agree
-- expect: invite_code_plan
UPDATE invite_code SET product_id = :camp WHERE community_id = :c AND id = :code;
-- promise: a code of days says how many
-- expect: invite_code_terms
UPDATE invite_code SET days = NULL WHERE community_id = :c AND id = :code;
-- promise: a discount is a percentage or an amount
-- expect: invite_code_terms
UPDATE invite_code SET effect = 'discount', days = NULL, percent = 10, discount_minor = 5
  WHERE community_id = :c AND id = :code;
-- promise: a member uses a code once
-- expect: redemption_once
INSERT INTO redemption (community_id, member_id, id, code_id) VALUES
  (:c, :cat, :new1, :code), (:c, :cat, :new2, :code);
-- promise: a use given back may be made again
-- expect: ok
INSERT INTO redemption (community_id, member_id, id, code_id, released_at) VALUES
  (:c, :cat, :new1, :code, now()), (:c, :cat, :new2, :code, NULL);
-- promise: a campaign of one for each member gives each member one
-- expect: redemption_once_in_campaign
INSERT INTO redemption (community_id, member_id, id, code_id, once_campaign_id) VALUES
  (:c, :cat, :new1, :code, :campaign), (:c, :cat, :new2, :code2, :campaign);
-- promise: a redemption is of a code of its community
-- expect: redemption_code
INSERT INTO redemption (community_id, member_id, id, code_id) VALUES (:other, :eve, :new1, :code);
-- promise: a redemption is of a member of its community
-- expect: redemption_member
INSERT INTO redemption (community_id, member_id, id, code_id) VALUES (:c, :eve, :new1, :code);
-- promise: a redemption grants to its own member
-- expect: entitlement_redemption
INSERT INTO redemption (community_id, member_id, id, code_id) VALUES (:c, :cat, :new1, :code);
INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source,
  redemption_id)
VALUES (:c, :bob, :new1, :product, :plan, '[2026-01-01Z, 2026-02-01Z)', 'code', :new1);
-- promise: a redemption grants once
-- expect: entitlement_redemption_once
INSERT INTO redemption (community_id, member_id, id, code_id) VALUES (:c, :cat, :new1, :code);
INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source,
  redemption_id) VALUES
  (:c, :cat, :new1, :product, :plan, '[2026-01-01Z, 2026-02-01Z)', 'code', :new1),
  (:c, :cat, :new2, :product, :plan, '[2026-02-01Z, 2026-03-01Z)', 'code', :new1);
-- promise: a code's grant has its redemption
-- expect: entitlement_source
INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source)
VALUES (:c, :cat, :new1, :product, :plan, '[2026-01-01Z, 2026-02-01Z)', 'code');
-- promise: a member holds a code once
-- expect: code_hold_once
INSERT INTO code_hold (community_id, id, code_id, member_id, order_id, expires_at) VALUES
  (:c, :new1, :code, :cat, :order, now()), (:c, :new2, :code, :cat, :order, now());
-- promise: the server can't delete a code or a redemption
-- expect: 42501
SET ROLE lyceum_server;
DELETE FROM redemption WHERE community_id = :c;
-- promise: a code's status tells the reason, revoked before all others
-- expect: = live sold_out expired revoked
UPDATE invite_code SET valid_until = '2026-02-01Z' WHERE community_id = :c AND id = :code2;
SELECT concat_ws(' ', code_status(k, '2026-01-01Z'),
  code_status(jsonb_populate_record(k, '{"used": 2}'), '2026-01-01Z'),
  code_status(jsonb_populate_record(k, '{"used": 2}'), '2026-02-01Z'),
  code_status(jsonb_populate_record(k, '{"used": 2, "revoked_at": "2026-01-01Z"}'), '2026-02-01Z'))
FROM invite_code k WHERE community_id = :c AND id = :code2;
