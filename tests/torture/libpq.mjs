// Requests while one call of libpq after the other fails.
import { torment } from '../api/lib/torments.mjs';

export { server } from '../api/lib/torments.mjs';

torment('libpq');
