// What is sold, and codes for it: made over HTTP by an operator, as the console would.
import { randomId } from './database.mjs';

const words = (en, zh) => ({ en, 'zh-CN': zh });

async function made(reply) {
  if (reply.status >= 300) throw new Error(`${reply.request.target}: ${reply.text}`);
  return reply.body;
}

/** Makes products, plans and codes in one community, on behalf of `operator`. */
export class Shop {
  constructor(api, operator) {
    this.api = api.as(operator);
  }

  async product({ kind = 'membership', ...more } = {}) {
    const body = { slug: `p-${randomId()}`, kind, name: words('Membership', '会员'), ...more };
    return made(await this.api.post('/v1/products', body));
  }

  /** A plan on sale: a year for 365.00 unless told otherwise. */
  async plan({ product, ...more } = {}) {
    const { id } = product ?? (await this.product());
    return made(await this.api.post(`/v1/products/${id}/plans`, { ...this.terms(), ...more }));
  }

  terms() {
    return {
      slug: `y-${randomId()}`,
      name: words('A year', '年卡'),
      benefits: words('All lectures', '全部讲座'),
      price_minor: 36500,
      currency: 'CNY',
      period_unit: 'year',
      period_count: 1,
    };
  }

  /** A machine-made code for 30 days unless told otherwise; `.code` is its text. */
  async code({ plan, ...more } = {}) {
    const { id } = plan ?? (await this.plan());
    const days = more.effect === 'discount' ? {} : { days: 30 };
    return made(await this.api.post('/v1/codes', { plan_id: id, ...days, ...more }));
  }

  async campaign(more) {
    return made(await this.api.post('/v1/campaigns', { name: 'Spring', ...more }));
  }

  async proof(code) {
    return made(await this.api.get(`/v1/codes/${code.id}/proof`));
  }
}
