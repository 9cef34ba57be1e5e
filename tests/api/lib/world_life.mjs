// What the routes of a membership's life need to be called well (see world.mjs).
import { uuid7 } from './people.mjs';

const DAY = 86_400_000;

/** A membership of somebody's in this community, in the state that the route wants; its id. */
async function membership(world, person, path) {
  const { sql, community } = world;
  const plan = await world.shop.plan({ renews: true });
  const id = uuid7();
  const notice = path.endsWith('/return');
  await sql`
    INSERT INTO entitlement (community_id, member_id, id, product_id, plan_id, span, source,
                             granted_by, reason)
    VALUES (${community.id}, ${person.id}, ${uuid7()}, ${plan.product_id}, ${plan.id},
            tstzrange(now() - interval '1 day', now() + interval '40 days'), 'comp',
            ${world.keeper.id}, 'x')`;
  await sql`
    INSERT INTO membership (community_id, id, member_id, product_id, plan_id, auto_renew,
                            cancel_at_period_end)
    VALUES (${community.id}, ${id}, ${person.id}, ${plan.product_id}, ${plan.id}, ${!notice},
            ${notice})`;
  if (path.endsWith('/resume')) {
    await sql`SELECT membership_pause(${community.id}, ${id}, now(), now() + interval '9 days')`;
  }
  return id;
}

export const cancelLecture = ({ sql }, id) => sql`
  UPDATE lecture SET status = 'cancelled', cancelled_at = now(), cancel_reason = 'As the story asks'
  WHERE id = ${id}`;

/** Whose it is: the caller's own where they are of this community, else somebody else's. */
const owner = (world, caller) =>
  caller?.id && caller.community?.id === world.community.id ? caller : world.redeemer;

export const parameters = {
  membership_id: async (world, path) => {
    const person = await world.entitled();
    return { id: person.id, membership_id: await membership(world, person, path) };
  },
};

export const makers = {
  'me/memberships': (world, path, caller) => membership(world, owner(world, caller), path),
};

const reason = 'As the story asks';
const until = () => new Date(Date.now() + 5 * DAY).toISOString();

export const bodies = {
  my_membership_change: () => ({ auto_renew: false }),
  my_membership_preview: () => ({ wish: 'change', auto_renew: false }),
  my_membership_cancel: () => ({}),
  my_membership_pause: () => ({ resume_at: until() }),
  membership_change: () => ({ auto_renew: false, reason }),
  membership_preview: () => ({ wish: 'change', auto_renew: false }),
  membership_cancel: () => ({ reason }),
  membership_return: () => ({ reason }),
  membership_pause: () => ({ resume_at: until(), reason }),
  membership_resume: () => ({ reason }),
  selling_policy_change: () => ({ pause_days: 100 }),
  lecture_compensate: (world) => ({ days: 1, plan_id: world.plan.id, reason }),
};
