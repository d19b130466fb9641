import { FENCED_MUTEX } from "./fenced-mutex.ts";
import { KV } from "./kv.ts";
import type { Model } from "./model.ts";
import { MUTEX } from "./mutex.ts";
import { QUEUE } from "./queue.ts";
import { CAS_REGISTER, REGISTER } from "./register.ts";

export type ModelName = "register" | "cas-register" | "kv" | "mutex" | "fenced-mutex" | "queue";

/** Every object with a sequential specification, by name. */
export const MODELS: Readonly<Record<ModelName, Model>> = {
  register: REGISTER,
  "cas-register": CAS_REGISTER,
  kv: KV,
  mutex: MUTEX,
  "fenced-mutex": FENCED_MUTEX,
  queue: QUEUE,
};
