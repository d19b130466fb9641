import type { ConfChange, Configuration } from "../../core/raft/index.ts";
import { hasCode } from "../../std/errors.ts";
import { ByteReader, MalformedBytes } from "../../std/reader.ts";
import { ByteWriter } from "../../std/writer.ts";
import { hostFailure } from "../errors.ts";

export interface MemberChangeLimits {
  /** Changes that callers of this node wait for. */
  readonly waitingMax: number;
  readonly timeoutTicks: number;
}

/** Whose change it is, as its context says, and whether it may leave the group without a quorum of members alive. */
export interface ChangeName {
  readonly life: number;
  readonly number: number;
  readonly isStrict: boolean;
}

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
  readonly #limits: MemberChangeLimits;
  readonly #waiting = new Map<number, Waiting>();
  #number = 0;

  constructor(life: number, limits: MemberChangeLimits) {
    this.#life = life;
    this.#limits = limits;
  }

  /** The change under a name, and what comes of it. Throws OVERLOADED before anything has happened. */
  begin(
    change: Omit<ConfChange, "context">,
    isStrict: boolean,
    tick: number,
  ): readonly [ConfChange, Promise<Configuration>] {
    if (this.#waiting.size >= this.#limits.waitingMax) {
      const what = "Too many changes of membership wait already.";
      throw hostFailure("OVERLOADED", { what, data: { waiting: this.#waiting.size } });
    }
    const number = ++this.#number;
    const context = new ByteWriter(16)
      .varint(this.#life)
      .varint(number)
      .u8(isStrict ? 1 : 0)
      .finish();
    const done = new Promise<Configuration>((resolve, reject) => this.#waiting.set(number, { resolve, reject, tick }));
    return [{ ...change, context }, done];
  }

  /** The newest one was not taken at all. */
  refused(cause: Error): void {
    const waiting = this.#waiting.get(this.#number);
    this.#waiting.delete(this.#number);
    const isSaidAlready = hasCode(cause, "CHANGE_UNSAFE");
    waiting?.reject(isSaidAlready ? cause : hostFailure("CHANGE_REFUSED", { what: cause.message, cause }));
  }

  /** The leader says that a change would be a hazard, and has not made it. */
  unsafe({ life, number }: Pick<ChangeName, "life" | "number">, why: string): void {
    if (life !== this.#life) return;
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    waiting?.reject(hostFailure("CHANGE_UNSAFE", { what: why }));
  }

  applied(change: ConfChange, configuration: Configuration): void {
    const name = changeNameOf(change);
    if (name?.life !== this.#life) return;
    this.#waiting.get(name.number)?.resolve(configuration);
    this.#waiting.delete(name.number);
  }

  expire(tick: number, why: () => string | undefined): void {
    for (const [number, waiting] of this.#waiting) {
      if (waiting.tick + this.#limits.timeoutTicks > tick) return;
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

/** Undefined where nobody waits for the change. */
export function changeNameOf({ context }: ConfChange): ChangeName | undefined {
  if (context.length === 0) return undefined;
  const reader = new ByteReader(context);
  try {
    const [life, number] = [reader.varint(), reader.varint()];
    return { life, number, isStrict: reader.remaining > 0 && reader.u8() === 1 };
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined;
    throw error;
  }
}
