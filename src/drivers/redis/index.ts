export { RedisClient, type RedisOptions, type RedisReply } from "./client.ts";
export { REDIS_ERRORS, type RedisError, type RedisErrorCode, redisFailure } from "./errors.ts";
