/** Web Crypto where it is not always global: Node 18 has it in `node:crypto` only. */
import { webcrypto } from 'node:crypto';

export const crypto: Pick<typeof webcrypto, 'getRandomValues' | 'randomUUID'> = webcrypto;
