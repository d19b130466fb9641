import type { OperationEntry, OperationGroup } from "../operation.ts";
import { BUCKET_OPERATIONS } from "./buckets.ts";
import { CLUSTER_OPERATIONS } from "./cluster.ts";
import { IDS_OPERATIONS } from "./ids.ts";
import { KV_OPERATIONS } from "./kv.ts";
import { NODE_OPERATIONS } from "./node.ts";
import { OBJECT_OPERATIONS } from "./objects.ts";
import { POLICY_OPERATIONS } from "./policies.ts";
import { SESSION_OPERATIONS } from "./session.ts";
import { STORAGE_OPERATIONS } from "./storage.ts";
import { USER_OPERATIONS } from "./users.ts";

export {
  BUCKET_OPERATIONS,
  CLUSTER_OPERATIONS,
  IDS_OPERATIONS,
  KV_OPERATIONS,
  NODE_OPERATIONS,
  OBJECT_OPERATIONS,
  POLICY_OPERATIONS,
  SESSION_OPERATIONS,
  STORAGE_OPERATIONS,
  USER_OPERATIONS,
};

export const OPERATION_GROUPS: readonly OperationGroup[] = [
  { title: "Session", operations: SESSION_OPERATIONS },
  { title: "Node", operations: NODE_OPERATIONS },
  { title: "Buckets", operations: BUCKET_OPERATIONS },
  { title: "Objects", operations: OBJECT_OPERATIONS },
  { title: "Keys and values", operations: KV_OPERATIONS },
  { title: "Ids", operations: IDS_OPERATIONS },
  { title: "Users and access keys", operations: USER_OPERATIONS },
  { title: "Policies", operations: POLICY_OPERATIONS },
  { title: "Storage", operations: STORAGE_OPERATIONS },
  { title: "Cluster", operations: CLUSTER_OPERATIONS },
];

/** All of them, in the groups' order. */
export const OPERATION_ENTRIES: readonly OperationEntry[] = OPERATION_GROUPS.flatMap(({ operations }) => operations);

export type Operation =
  | (typeof SESSION_OPERATIONS)[number]
  | (typeof NODE_OPERATIONS)[number]
  | (typeof BUCKET_OPERATIONS)[number]
  | (typeof OBJECT_OPERATIONS)[number]
  | (typeof KV_OPERATIONS)[number]
  | (typeof IDS_OPERATIONS)[number]
  | (typeof USER_OPERATIONS)[number]
  | (typeof POLICY_OPERATIONS)[number]
  | (typeof STORAGE_OPERATIONS)[number]
  | (typeof CLUSTER_OPERATIONS)[number];

export type OperationName = Operation["name"];
