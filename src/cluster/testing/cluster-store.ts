import { sha256 } from "../../env/crypto.ts";
import type { Env } from "../../env/index.ts";
import { SimScheduler } from "../../env/sim/index.ts";
import type { Store } from "../../store/index.ts";
import { calmEnv, HostedStore } from "../../store/testing/hosted-store.ts";

export interface ClusterStore extends AsyncDisposable, Pick<Env, "clock" | "random"> {
  readonly store: Store;
  readonly sha256: typeof sha256;
  settle<T>(promise: Promise<T>): Promise<T>;
  elapse(millis: number): Promise<void>;
}

/** A Store of one node in virtual time, and what the functions of this folder want beside it. */
export async function clusterStore(): Promise<ClusterStore> {
  const scheduler = new SimScheduler();
  const env = calmEnv(scheduler);
  const hosted = await scheduler.settle(HostedStore.start(env));
  const store: Store = hosted.store;
  return {
    ...{ store, clock: env.clock, random: env.random, sha256 },
    settle: <T>(promise: Promise<T>): Promise<T> => scheduler.settle(promise),
    elapse: (millis: number): Promise<void> => scheduler.run(scheduler.nowMillis + millis),
    [Symbol.asyncDispose]: () => scheduler.settle(hosted[Symbol.asyncDispose]()),
  };
}
