export { ZookeeperClient, type ZookeeperNode, type ZookeeperOptions } from "./client.ts";
export { ZOOKEEPER_ERRORS, type ZookeeperError, type ZookeeperErrorCode, zookeeperFailure } from "./errors.ts";
