import type { Prng } from "../../std/prng.ts";
import type { SimulatedEvent } from "./simulated.ts";

export interface TransactionParts {
  readonly processes: number;
  readonly transactions: number;
  readonly keys: number;
  readonly stepsMax: number;
  readonly unknownChance?: number;
  /**
   * How the database works: each transaction at one instant; or each step by itself, all of them on the newest lists (`dirty`); or reads
   * from a snapshot of when it began, and appends when it ends (`snapshot`, without a check for conflicts); or at one instant, but those
   * that only read may see the lists as they once were (`stale`).
   */
  readonly isolation: "serial" | "dirty" | "snapshot" | "stale";
}

type Step = ["append" | "r", string, unknown];

interface Open {
  readonly process: number;
  readonly asked: readonly Step[];
  readonly done: Step[];
  readonly snapshot: ReadonlyMap<string, readonly number[]>;
}

/** A history of a database of lists. It ends with one transaction that reads all of them. */
export function transactionHistory(prng: Prng, parts: TransactionParts): SimulatedEvent[] {
  const events: SimulatedEvent[] = [];
  const lists = new Map<string, readonly number[]>();
  let idle = Array.from({ length: parts.processes }, (_, at) => at);
  let open: Open[] = [];
  let nextProcess = parts.processes;
  let begun = 0;
  let element = 0;
  const add = (process: number, type: SimulatedEvent["type"], value: unknown): void => {
    events.push({ process, type, f: "txn", value, time: events.length * 1000 });
  };
  const draw = (): Step[] =>
    Array.from({ length: 1 + prng.below(parts.stepsMax) }, (): Step => {
      const key = `k${prng.below(parts.keys)}`;
      return prng.chance(0.5) ? ["append", key, element++] : ["r", key, null];
    });
  const past: ReadonlyMap<string, readonly number[]>[] = [new Map()];
  const take = (transaction: Open, count: number): void => {
    const isStale = parts.isolation === "stale" && transaction.asked.every(([kind]) => kind === "r");
    const before = isStale ? prng.pick(past) : lists;
    for (const [kind, key, value] of transaction.asked.slice(
      transaction.done.length,
      transaction.done.length + count,
    )) {
      const own = transaction.done
        .filter(([each, of]) => each === "append" && of === key)
        .map((step) => step[2] as number);
      const current = before.get(key) ?? [];
      if (kind === "append") lists.set(key, [...current, value as number]);
      const seen = parts.isolation === "snapshot" ? [...(transaction.snapshot.get(key) ?? []), ...own] : current;
      transaction.done.push([kind, key, kind === "append" ? value : seen]);
    }
    if (parts.isolation === "stale") past.push(new Map(lists));
  };
  while (begun < parts.transactions || open.length > 0) {
    if (begun < parts.transactions && idle.length > 0 && (open.length === 0 || prng.chance(0.5))) {
      const process = prng.pick(idle);
      idle = idle.filter((other) => other !== process);
      const asked = draw();
      add(process, "invoke", asked);
      open.push({ process, asked, done: [], snapshot: parts.isolation === "snapshot" ? new Map(lists) : lists });
      begun++;
      continue;
    }
    const transaction = prng.pick(open);
    if (transaction.done.length < transaction.asked.length) {
      take(transaction, parts.isolation === "dirty" ? 1 : transaction.asked.length);
      continue;
    }
    open = open.filter((other) => other !== transaction);
    const isLost = prng.chance(parts.unknownChance ?? 0);
    add(transaction.process, isLost ? "info" : "ok", isLost ? transaction.asked : transaction.done);
    idle.push(isLost ? nextProcess++ : transaction.process);
  }
  const all = Array.from({ length: parts.keys }, (_, at) => `k${at}`);
  add(
    nextProcess,
    "invoke",
    all.map((key) => ["r", key, null]),
  );
  add(
    nextProcess,
    "ok",
    all.map((key) => ["r", key, lists.get(key) ?? null]),
  );
  return events;
}
