// How the things of notices and webhooks are made, for world.mjs.
const hook = () => ({ url: 'https://hooks.example.org/lyceum', topics: ['order.paid'] });

/** There is room for 20: one serves all routes but the one that removes it. */
async function webhook(world) {
  const [there] = await world.sql`
    SELECT id FROM webhook_endpoint
    WHERE community_id = ${world.community.id} AND state <> 'removed' LIMIT 1`;
  return there?.id ?? (await world.shown('/v1/webhooks', hook())).id;
}

export const makers = { webhooks: webhook };

export const parameters = {
  delivery_id: async (world) => {
    const id = await webhook(world);
    return { id, delivery_id: (await world.shown(`/v1/webhooks/${id}/test`)).id };
  },
};

export const bodies = {
  my_notices_change: () => ({ welcome: 'any' }),
  webhook_create: hook,
  webhook_change: () => ({ description: 'The newsletter' }),
  webhook_rotate: () => ({ keep_hours: 1 }),
  webhook_replay_all: () => ({ since: '2026-01-01T00:00:00Z' }),
};
