import { BUCKET_OPERATIONS } from "./bucket.ts";
import { OBJECT_OPERATIONS } from "./object.ts";
import type { Level, OperationEntry } from "./operation.ts";
import { SERVICE_OPERATIONS } from "./service.ts";

type Entry =
  | (typeof SERVICE_OPERATIONS)[number]
  | (typeof BUCKET_OPERATIONS)[number]
  | (typeof OBJECT_OPERATIONS)[number];

export type OperationName = Entry["name"];
/** Operations that have a handler: all that are not `notBuilt`. */
export type ServedName = Exclude<Entry, { notBuilt: string }>["name"];
/** Operations that are an administrator's acts. */
export type ActName = Extract<Entry, { act: true }>["name"];

export interface Operation extends OperationEntry {
  readonly name: OperationName;
  readonly level: Level;
}

/** Every operation of S3's API. Routing, authorization and docs/protocols/s3.md follow from it. */
export const OPERATIONS: readonly Operation[] = [
  ...SERVICE_OPERATIONS.map((entry): Operation => ({ ...entry, level: "service" })),
  ...BUCKET_OPERATIONS.map((entry): Operation => ({ ...entry, level: "bucket" })),
  ...OBJECT_OPERATIONS.map((entry): Operation => ({ ...entry, level: "object" })),
];

export { FEATURES, type Feature } from "./features.ts";
export { type Level, type Method, type OperationEntry, type Status, statusOf } from "./operation.ts";
