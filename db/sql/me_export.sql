-- All that a community holds of a member, and what the account holds (handed in). Bounded: nobody
-- has more of anything here than the limits say.
-- in: member uuid!, account uuid!, birth_year int, erase_after timestamptz, has_password bool!,
--   contacts json!
-- out: exported_at timestamptz!, account json!, member json!, consents json!, sessions json!,
--   memberships json!, entitlements json!, redemptions json!, orders json!, payments json!,
--   rsvps json!, attendance json!, enrolments json!
-- read
SELECT now(),
  json_build_object('id', $3, 'birth_year', $4::int, 'has_password', $6::bool,
                    'erase_after', iso($5::timestamptz), 'contacts', $7::json),
  (SELECT json_build_object(
     'id', m.id, 'display_name', m.display_name, 'bio', m.bio, 'role', m.role,
     'state', member_state(m, now()), 'state_reason', m.state_reason,
     'state_until', iso(m.state_until), 'locale', m.locale, 'referred_by', m.referred_by,
     'spend_limit_minor', m.spend_limit_minor, 'joined_at', iso(m.joined_at))
   FROM member m WHERE m.community_id = $1 AND m.id = $2),
  (SELECT coalesce(json_agg(json_build_object('kind', c.kind, 'version', c.version,
                     'accepted_at', iso(c.accepted_at)) ORDER BY c.accepted_at), '[]')
   FROM consent c WHERE c.community_id = $1 AND c.member_id = $2),
  (SELECT coalesce(json_agg(json_build_object('id', s.id, 'device_name', s.device_name,
                     'created_at', iso(s.created_at), 'last_seen_at', iso(s.last_seen_at),
                     'expires_at', iso(s.expires_at)) ORDER BY s.created_at DESC), '[]')
   FROM (SELECT * FROM session WHERE community_id = $1 AND member_id = $2
           AND revoked_at IS NULL ORDER BY created_at DESC LIMIT 1000) s),
  (SELECT coalesce(json_agg(json_build_object('id', t.id, 'product_id', t.product_id,
                     'plan_id', t.plan_id, 'auto_renew', t.auto_renew,
                     'started_at', iso(t.started_at), 'ended_at', iso(t.ended_at))
                     ORDER BY t.started_at), '[]')
   FROM (SELECT * FROM membership WHERE community_id = $1 AND member_id = $2 LIMIT 1000) t),
  (SELECT coalesce(json_agg(json_build_object('id', e.id, 'product_id', e.product_id,
                     'plan_id', e.plan_id, 'source', e.source, 'reason', e.reason,
                     'starts_at', iso(lower(e.span)), 'ends_at', iso(upper(e.span)),
                     'voided_at', iso(e.voided_at), 'void_reason', e.void_reason)
                     ORDER BY e.created_at), '[]')
   FROM (SELECT * FROM entitlement WHERE community_id = $1 AND member_id = $2 LIMIT 10000) e),
  (SELECT coalesce(json_agg(json_build_object('id', d.id, 'code_id', d.code_id,
                     'redeemed_at', iso(d.redeemed_at), 'released_at', iso(d.released_at))
                     ORDER BY d.redeemed_at), '[]')
   FROM (SELECT * FROM redemption WHERE community_id = $1 AND member_id = $2 LIMIT 10000) d),
  (SELECT coalesce(json_agg(json_build_object('id', o.id, 'kind', o.kind, 'status', o.status,
                     'currency', o.currency, 'total_minor', o.total_minor,
                     'paid_minor', o.paid_minor, 'refunded_minor', o.refunded_minor,
                     'created_at', iso(o.created_at)) ORDER BY o.created_at), '[]')
   FROM (SELECT * FROM orders WHERE community_id = $1 AND member_id = $2 LIMIT 10000) o),
  (SELECT coalesce(json_agg(json_build_object('id', p.id, 'order_id', p.order_id,
                     'provider', p.provider, 'amount_minor', p.amount_minor,
                     'currency', p.currency, 'paid_at', iso(p.paid_at)) ORDER BY p.paid_at), '[]')
   FROM (SELECT p.* FROM orders o JOIN payment p
           ON p.community_id = o.community_id AND p.order_id = o.id
         WHERE o.community_id = $1 AND o.member_id = $2 LIMIT 10000) p),
  (SELECT coalesce(json_agg(json_build_object('lecture_id', v.lecture_id, 'state', v.state,
                     'created_at', iso(v.created_at)) ORDER BY v.created_at), '[]')
   FROM (SELECT * FROM rsvp WHERE community_id = $1 AND member_id = $2 LIMIT 10000) v),
  (SELECT coalesce(json_agg(json_build_object('lecture_id', a.lecture_id, 'state', a.state,
                     'via', a.via, 'arrived_at', iso(a.arrived_at), 'left_at', iso(a.left_at),
                     'minutes', a.minutes, 'excuse', a.excuse) ORDER BY a.created_at), '[]')
   FROM (SELECT * FROM attendance WHERE community_id = $1 AND member_id = $2 LIMIT 10000) a),
  (SELECT coalesce(json_agg(json_build_object('cohort_id', n.cohort_id,
                     'enrolled_at', iso(n.enrolled_at)) ORDER BY n.enrolled_at), '[]')
   FROM (SELECT * FROM enrolment WHERE community_id = $1 AND member_id = $2 LIMIT 10000) n)
