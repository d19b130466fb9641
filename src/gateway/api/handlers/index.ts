import type { Services } from "../handler.ts";
import type { OperationName } from "../operations/index.ts";
import { bucketHandlers } from "./buckets.ts";
import { clusterHandlers } from "./cluster.ts";
import { idsHandlers } from "./ids.ts";
import { kvHandlers } from "./kv.ts";
import { nodeHandlers } from "./node.ts";
import { objectHandlers } from "./objects.ts";
import { policyHandlers } from "./policies.ts";
import { sessionHandlers } from "./session.ts";
import { storageHandlers } from "./storage.ts";
import { userHandlers } from "./users.ts";

/** By the operation's name. */
export function allHandlers(services: Services): Readonly<Record<OperationName, unknown>> {
  return {
    ...sessionHandlers(services),
    ...nodeHandlers(services),
    ...bucketHandlers(services),
    ...objectHandlers(services),
    ...kvHandlers(services),
    ...idsHandlers(services),
    ...userHandlers(services),
    ...policyHandlers(services),
    ...storageHandlers(services),
    ...clusterHandlers(services),
  };
}
