/** Web Crypto where it is not always global: Node 18 has it in `node:crypto` only. */
// Experimental in Node 18 by name only.
// eslint-disable-next-line n/no-unsupported-features/node-builtins
import { webcrypto } from 'node:crypto';

export const crypto: Pick<typeof webcrypto, 'getRandomValues' | 'randomUUID'> = webcrypto;
