import type { ConfChange, Configuration } from "../core/raft/index.ts";
import { ByteReader } from "../std/reader.ts";
import { ByteWriter } from "../std/writer.ts";
import { hostFailure } from "./errors.ts";

interface Waiting {
  readonly resolve: (configuration: Configuration) => void;
  readonly reject: (error: Error) => void;
  readonly tick: number;
}

/**
 * Changes of membership that callers of this node wait for. Each is named in the change's context, so that it is
 * known when it is applied.
 */
export class MemberChanges {
  readonly #life: number;
  readonly #timeoutTicks: number;
  readonly #waiting = new Map<number, Waiting>();
  #number = 0;

  constructor(life: number, timeoutTicks: number) {
    this.#life = life;
    this.#timeoutTicks = timeoutTicks;
  }

  /** The change under a name, and what comes of it. */
  begin(change: Omit<ConfChange, "context">, tick: number): readonly [ConfChange, Promise<Configuration>] {
    const number = ++this.#number;
    const context = new ByteWriter(16).varint(this.#life).varint(number).finish();
    const done = new Promise<Configuration>((resolve, reject) => this.#waiting.set(number, { resolve, reject, tick }));
    return [{ ...change, context }, done];
  }

  /** The newest one was not taken at all. */
  refused(cause: Error): void {
    const waiting = this.#waiting.get(this.#number);
    this.#waiting.delete(this.#number);
    waiting?.reject(hostFailure("CHANGE_REFUSED", { what: cause.message, cause }));
  }

  applied({ context }: ConfChange, configuration: Configuration): void {
    if (context.length === 0) return;
    const reader = new ByteReader(context);
    if (reader.varint() !== this.#life) return;
    const number = reader.varint();
    this.#waiting.get(number)?.resolve(configuration);
    this.#waiting.delete(number);
  }

  expire(tick: number, why: () => string | undefined): void {
    for (const [number, waiting] of this.#waiting) {
      if (waiting.tick + this.#timeoutTicks > tick) return;
      this.#waiting.delete(number);
      const what = why();
      // It may lie in a log, and be made yet.
      waiting.reject(hostFailure("OUTCOME_UNKNOWN", what === undefined ? {} : { what }));
    }
  }

  stop(): void {
    for (const { reject } of this.#waiting.values()) reject(hostFailure("STOPPED"));
    this.#waiting.clear();
  }
}
