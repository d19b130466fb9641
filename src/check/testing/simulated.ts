import type { Prng } from "../../std/prng.ts";
import type { ModelName } from "../models/index.ts";

// Histories of objects that are right by construction: each operation takes effect at one instant between its two events.

export interface SimulatedEvent {
  readonly process: number;
  readonly type: "invoke" | "ok" | "fail" | "info";
  readonly f: string;
  readonly key?: string;
  readonly value: unknown;
  readonly time: number;
}

export interface SimulatedParts {
  readonly model: ModelName;
  readonly processes: number;
  readonly operations: number;
  /** How many different values are written; 0 for a new one each time. */
  readonly values: number;
  readonly keys?: number;
  /** That an operation's client never hears of it. */
  readonly unknownChance?: number;
  /** Of going on with an operation that has begun, rather than beginning another. Lower: more are open at once. */
  readonly haste?: number;
}

export function simulatedHistory(prng: Prng, parts: SimulatedParts): SimulatedEvent[] {
  const { model, operations, unknownChance = 0, keys = 1 } = parts;
  const events: SimulatedEvent[] = [];
  const object = new SimulatedObject(model);
  let idle = Array.from({ length: parts.processes }, (_, at) => at);
  let nextProcess = parts.processes;
  let open: OpenCall[] = [];
  let begun = 0;
  let fresh = 0;
  while (begun < operations || open.length > 0) {
    const time = events.length * 1000;
    const canBegin = begun < operations && idle.length > 0;
    if (canBegin && (open.length === 0 || !prng.chance(parts.haste ?? 0.5))) {
      const process = prng.pick(idle);
      idle = idle.filter((other) => other !== process);
      const value = parts.values === 0 ? fresh++ : prng.below(parts.values);
      const key = model === "kv" || keys > 1 ? `k${prng.below(keys)}` : undefined;
      const call = { process, ...object.draw(prng, value, parts.values || fresh), ...(key !== undefined && { key }) };
      events.push({ ...call, type: "invoke", time });
      open.push({ call, result: undefined });
      begun++;
      continue;
    }
    const at = prng.below(open.length);
    const { call, result } = open[at]!;
    if (result === undefined && !prng.chance(unknownChance / 2)) {
      open[at] = { call, result: object.apply(call) };
      continue;
    }
    open = open.filter((_, other) => other !== at);
    if (result === undefined || prng.chance(unknownChance / 2)) {
      events.push({ ...call, type: "info", time });
      idle.push(nextProcess++);
    } else {
      events.push({ ...call, ...result, time });
      idle.push(call.process);
    }
  }
  return events;
}

export function linesOf(events: readonly SimulatedEvent[]): string {
  return events.map((event) => JSON.stringify(event)).join("\n");
}

/** The same history with one answer, or the order of two neighbouring events, changed: it may be right all the same. */
export function mutated(prng: Prng, events: readonly SimulatedEvent[]): SimulatedEvent[] {
  const changed = [...events];
  const told = [...events.keys()].filter((at) => events[at]!.type === "ok");
  if (told.length === 0) return changed;
  const at = prng.pick(told);
  const event = changed[at]!;
  if (prng.chance(0.7) && ["read", "get", "dequeue", "acquire"].includes(event.f)) {
    const others = events
      .map(({ value }) => value)
      .filter((value) => typeof value === typeof event.value && value !== event.value);
    const value =
      event.f === "acquire" && typeof event.value === "number" ? prng.below(4) : (prng.pick([...others, null]) ?? null);
    changed[at] = { ...event, value };
    return changed;
  }
  // An answer that comes earlier: as long as it is not before its own invocation.
  let target = at;
  while (target > 0 && changed[target - 1]!.process !== event.process && at - target < 6) target--;
  changed.splice(at, 1);
  changed.splice(target, 0, event);
  return changed.map((each, index) => ({ ...each, time: index * 1000 }));
}

interface Call {
  readonly process: number;
  readonly f: string;
  readonly value: unknown;
  readonly key?: string;
}

interface Result {
  readonly type: "ok" | "fail";
  readonly value: unknown;
}

interface OpenCall {
  readonly call: Call;
  readonly result: Result | undefined;
}

/** The objects themselves, written without the models that they are to be checked by. */
class SimulatedObject {
  readonly #model: ModelName;
  readonly #values = new Map<string | undefined, unknown>();
  readonly #queues = new Map<string | undefined, unknown[]>();
  readonly #locks = new Map<string | undefined, SimulatedLock>();

  constructor(model: ModelName) {
    this.#model = model;
  }

  draw(prng: Prng, value: unknown, values: number): { readonly f: string; readonly value: unknown } {
    switch (this.#model) {
      case "register":
        return prng.chance(0.5) ? { f: "read", value: null } : { f: "write", value };
      case "cas-register": {
        const f = prng.pick(["read", "read", "write", "cas"]);
        return { f, value: f === "read" ? null : f === "write" ? value : [prng.below(values), value] };
      }
      case "kv": {
        const f = prng.pick(["get", "get", "put", "append", "delete", "cas"]);
        const text = String(value);
        return {
          f,
          value: f === "get" || f === "delete" ? null : f === "cas" ? [String(prng.below(values)), text] : text,
        };
      }
      case "queue":
        return prng.chance(0.5) ? { f: "enqueue", value } : { f: "dequeue", value: null };
      case "mutex":
        return { f: prng.pick(["acquire", "release"]), value: null };
      case "fenced-mutex": {
        const f = prng.pick(["acquire", "release", "write"]);
        return { f, value: f === "write" ? prng.below(4) : null };
      }
    }
  }

  apply({ f, value, key, process }: Call): Result {
    const current = this.#values.get(key) ?? null;
    const queue = this.#queues.get(key) ?? [];
    const lock = this.#locks.get(key) ?? { holder: undefined, token: 0, used: 0 };
    this.#queues.set(key, queue);
    this.#locks.set(key, lock);
    const ok = (answer: unknown): Result => ({ type: "ok", value: answer });
    const failed: Result = { type: "fail", value };
    switch (f) {
      case "read":
      case "get":
        return ok(current);
      case "write":
        return this.#model === "fenced-mutex" ? guardedWrite(lock, value as number) : this.#set(key, value);
      case "put":
        return this.#set(key, value);
      case "delete":
        this.#values.delete(key);
        return ok(null);
      case "append":
        return this.#set(key, `${current ?? ""}${value}`, value);
      case "cas": {
        const [from, to] = value as [unknown, unknown];
        return current === from ? this.#set(key, to, value) : failed;
      }
      case "enqueue":
        queue.push(value);
        return ok(value);
      case "dequeue":
        return ok(queue.shift() ?? null);
      case "release":
        if (lock.holder !== process) return failed;
        lock.holder = undefined;
        return ok(null);
      default:
        return acquire(lock, process, this.#model === "fenced-mutex");
    }
  }

  #set(key: string | undefined, value: unknown, answer: unknown = value): Result {
    this.#values.set(key, value);
    return { type: "ok", value: answer };
  }
}

interface SimulatedLock {
  holder: number | undefined;
  token: number;
  used: number;
}

function acquire(lock: SimulatedLock, process: number, isLease: boolean): Result {
  if (lock.holder !== undefined && !isLease) return { type: "fail", value: null };
  lock.holder = process;
  return { type: "ok", value: isLease ? lock.token++ : null };
}

function guardedWrite(lock: SimulatedLock, token: number): Result {
  if (token < lock.used) return { type: "fail", value: token };
  lock.used = token;
  return { type: "ok", value: token };
}
