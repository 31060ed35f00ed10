export type {
    RedisClusterClient,
    RedisCommandOptions,
    RedisDuplicateOverrides,
    RedisOwnConnection,
    RedisSingleClient
} from './redisClient.js';
export { RedisTransportStore, type RedisTransportStoreOptions } from './redisTransportStore.js';
