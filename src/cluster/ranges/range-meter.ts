// How large and how busy the groups are that this node leads. Commits are counted by what was written; bytes by a walk
// over a range's rows, at a bounded rate, and only again once so much was written to the group that it could matter.

import { Pacer } from "../../blob/index.ts";
import type { Clock, Timer, Timers } from "../../env/index.ts";
import { EMPTY, toHex } from "../../std/bytes.ts";
import { AshlarError } from "../../std/errors.ts";
import { encodeKeyBound, type KeyInterval, type PageLimits, type ReplicatedStore } from "../../store/index.ts";
import { pause } from "../pause.ts";
import { RangeSize } from "./range-size.ts";

/** How large and how busy a group is. */
export interface GroupLoad {
  readonly commitsPerSecond: number;
  readonly ranges: readonly RangeLoad[];
}

export interface RangeLoad extends KeyInterval {
  /** Undefined until it was looked at. */
  readonly bytes: number | undefined;
  /** A key that about half of the bytes stand before; undefined where all of them are one key's. */
  readonly middle: Uint8Array | undefined;
}

export type MeteredStore = Pick<ReplicatedStore, "written" | "intervals" | "exportPage">;

export interface RangeMeterOptions {
  readonly env: { readonly clock: Clock; readonly timers: Timers };
  /** The groups that this node leads. */
  readonly led: () => ReadonlyMap<number, MeteredStore>;
  /** 0: bytes are not counted. */
  readonly rangeBytesMax: number;
  readonly lookMillis?: number;
}

interface Measured {
  readonly bytes: number;
  readonly middle: Uint8Array | undefined;
  /** Of the group, when the walk began. */
  readonly written: number;
}

interface Metered {
  readonly atMillis: number;
  readonly commits: number;
  readonly bytes: number;
  readonly commitsPerSecond: number;
  readonly measured: ReadonlyMap<string, Measured>;
}

const LOOK_MILLIS = 5_000;
const WALK_BYTES_PER_SECOND = 64 * 1024 * 1024;
const PAGE: PageLimits = { rowsMax: 1024, bytesMax: 1024 * 1024 };
/** No commit is shorter: what a counter jumps by when keys arrive are no commits. */
const COMMIT_BYTES_MIN = 16;
/** Part of `rangeBytesMax` that is written before a range is walked over again. */
const AGAIN_PART = 1 / 8;

export class RangeMeter implements AsyncDisposable {
  readonly #options: RangeMeterOptions;
  readonly #abort = new AbortController();
  readonly #pacer: Pacer;
  readonly #metered = new Map<number, Metered>();
  #timer: Timer | undefined;
  #looking: Promise<void> | undefined;

  constructor(options: RangeMeterOptions) {
    const { env } = options;
    this.#options = options;
    const sleep = (millis: number): Promise<void> => pause(env.timers, millis, this.#abort.signal);
    this.#pacer = new Pacer(env.clock, { sleep }, WALK_BYTES_PER_SECOND);
    this.#plan();
  }

  /** Undefined for a group that was not led long enough to say. */
  loadOf(id: number): GroupLoad | undefined {
    const store = this.#options.led().get(id);
    const metered = this.#metered.get(id);
    if (store === undefined || metered === undefined) return undefined;
    const ranges = intervalsOf(store).map(({ from, to }): RangeLoad => {
      const measured = metered.measured.get(nameOf({ from, to }));
      const bytes = measured && measured.bytes + (store.written.bytes - measured.written);
      return { from, to, bytes, middle: measured?.middle };
    });
    return { commitsPerSecond: metered.commitsPerSecond, ranges };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort();
    this.#timer?.cancel();
    await this.#looking;
  }

  #plan(): void {
    if (this.#abort.signal.aborted) return;
    const { env, lookMillis = LOOK_MILLIS } = this.#options;
    this.#timer = env.timers.after(lookMillis, () => {
      this.#looking = this.#look().finally(() => this.#plan());
    });
  }

  async #look(): Promise<void> {
    const led = this.#options.led();
    for (const id of this.#metered.keys()) if (!led.has(id)) this.#metered.delete(id);
    for (const [id, store] of led) {
      this.#count(id, store);
      if (this.#options.rangeBytesMax > 0) await this.#measure(id, store);
    }
  }

  #count(id: number, { written }: MeteredStore): void {
    const { clock } = this.#options.env;
    const before = this.#metered.get(id);
    const atMillis = clock.monotonic();
    const millis = before === undefined ? 0 : atMillis - before.atMillis;
    const bytes = before === undefined ? 0 : written.bytes - before.bytes;
    const commits = before === undefined ? 0 : Math.min(written.commits - before.commits, bytes / COMMIT_BYTES_MIN);
    const commitsPerSecond = millis === 0 ? 0 : Math.round((commits * 1000) / millis);
    this.#metered.set(id, { atMillis, ...written, commitsPerSecond, measured: before?.measured ?? new Map() });
  }

  async #measure(id: number, store: MeteredStore): Promise<void> {
    const measured = new Map<string, Measured>();
    for (const interval of intervalsOf(store)) {
      const name = nameOf(interval);
      const known = this.#metered.get(id)?.measured.get(name);
      const isKnown =
        known !== undefined && store.written.bytes - known.written < this.#options.rangeBytesMax * AGAIN_PART;
      const now = isKnown ? known : await this.#walk(store, interval);
      if (now !== undefined) measured.set(name, now);
    }
    const metered = this.#metered.get(id);
    if (metered !== undefined) this.#metered.set(id, { ...metered, measured });
  }

  /** Undefined where it broke off: the group is led by another node by now, or its keys are another group's. */
  async #walk(store: MeteredStore, interval: KeyInterval): Promise<Measured | undefined> {
    const size = new RangeSize();
    const written = store.written.bytes;
    try {
      let from: Uint8Array | undefined;
      do {
        const { rows, next } = await store.exportPage(interval, from, PAGE);
        const before = size.bytes;
        for (const { key, value = EMPTY } of rows) size.add(key, key.length + value.length);
        await this.#pacer.pace(size.bytes - before);
        if (this.#abort.signal.aborted) return undefined;
        from = next;
      } while (from !== undefined);
    } catch (error) {
      if (error instanceof AshlarError) return undefined;
      throw error;
    }
    return { bytes: size.bytes, middle: size.middle(), written };
  }
}

function intervalsOf({ intervals }: MeteredStore): readonly KeyInterval[] {
  return intervals ?? [{ from: encodeKeyBound(EMPTY), to: EMPTY }];
}

function nameOf({ from, to }: KeyInterval): string {
  return `${toHex(from)} ${toHex(to)}`;
}
