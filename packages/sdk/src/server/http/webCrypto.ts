/** Web Crypto where it is global: every web-standard runtime. package.json (`imports`) chooses between this and `nodeCrypto`. */
export const crypto: Pick<typeof globalThis.crypto, 'getRandomValues' | 'randomUUID'> = globalThis.crypto;
