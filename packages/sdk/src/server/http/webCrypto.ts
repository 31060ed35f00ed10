/** Web Crypto where it is global: every web-standard runtime. package.json (`imports`) chooses between this and `nodeCrypto`. */
// eslint-disable-next-line n/no-unsupported-features/node-builtins -- not for Node
export const crypto: Pick<typeof globalThis.crypto, 'getRandomValues' | 'randomUUID'> = globalThis.crypto;
