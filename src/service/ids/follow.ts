import type { Timers } from "../../env/index.ts";
import { text } from "../../std/bytes.ts";
import { AshlarError } from "../../std/errors.ts";
import type { Row, Store, Table } from "../../store/index.ts";
import { IDS_LIMITS } from "./limits.ts";

export interface Follower {
  readonly timers: Timers;
  readonly signal: AbortSignal;
  /** A row was written; none is ever deleted. */
  changed(row: Row, name: string): void;
  /** What changed before now may not have been told. */
  missed(): Promise<void>;
}

/** Tells of changes of a table until the signal aborts, over any failure of the watch. */
export async function follow(store: Store, table: Table, follower: Follower): Promise<void> {
  const { timers, signal } = follower;
  while (!signal.aborted) {
    try {
      // What changes behind this position is reported.
      const { position } = await store.scan(table, {}, { limit: 1, signal });
      await follower.missed();
      for await (const { changes } of store.watch(table, {}, { since: position, signal }))
        for (const { value, ...change } of changes)
          if (value !== undefined) follower.changed({ ...change, value }, text(change.key));
    } catch (error) {
      // A slow reader, lost history, a node that stops: look at everything again. Anything else is a bug.
      if (!signal.aborted && !(error instanceof AshlarError)) throw error;
    }
    if (!signal.aborted) await pause(timers, IDS_LIMITS.watchRetryMillis, signal);
  }
}

/** Ends early where the signal aborts. */
export function pause(timers: Timers, millis: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = timers.after(millis, end);
    signal.addEventListener("abort", end);
  });
}
