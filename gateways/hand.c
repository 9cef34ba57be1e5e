/* By hand: the payer is shown an account, and an operator records what arrived on it. No calls. */
#include "gateways/gateways.h"

static const struct gateway_field fields[] = {
    {.name = "account", .words = true, .required = true, .most = 2000}, {.name = NULL}};

const struct gateway gateway_hand = {.name = "hand", .methods = "transfer|cash", .fields = fields};
