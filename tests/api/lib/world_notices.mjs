// How the things of notices are made, for world.mjs.
export const makers = {};
export const bodies = { my_notices_change: () => ({ welcome: 'any' }) };
