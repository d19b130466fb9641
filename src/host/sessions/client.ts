import type { Timers } from "../../env/index.ts";
import { webTimers } from "../../env/web/index.ts";
import { assert } from "../../std/assert.ts";
import { hasCode } from "../../std/errors.ts";
import { type HostErrorCode, hostFailure } from "../errors.ts";
import { encodeBegin, encodeEnd, encodeRequest } from "./command.ts";
import type { SessionOutcome } from "./machine.ts";

export interface SessionLimits {
  /** Sessions that the group keeps when this one begins: the longest unused of more go. */
  readonly sessionsMax: number;
  /** Commands of the session that are under way at once. */
  readonly windowMax: number;
  /** A call tries for so long. */
  readonly timeoutMillis: number;
  /** Between two tries. */
  readonly pauseMillis: number;
}

export const SESSION_DEFAULTS: SessionLimits = {
  sessionsMax: 4096,
  windowMax: 1024,
  timeoutMillis: 60_000,
  pauseMillis: 20,
};

/** Has a command decided by some member of the group: `RaftGroup.proposeForSession`, here or behind a network. */
export type SessionPropose<Result> = (command: Uint8Array, options: CallOptions) => Promise<SessionOutcome<Result>>;

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface SessionOptions<Result> extends CallOptions {
  readonly propose: SessionPropose<Result>;
  readonly timers?: Timers;
  readonly limits?: Partial<SessionLimits>;
}

/** After these it is tried again: the command is in no log, or is known again by its number. */
const RETRIED: readonly HostErrorCode[] = ["OUTCOME_UNKNOWN", "NO_LEADER", "OVERLOADED", "NO_SPACE"];

/**
 * One client's commands, each applied exactly once however often it has to be sent. Commands that are under way at the
 * same time have no order among each other: who needs one waits for the answer before.
 */
export class ClientSession<Result> {
  readonly id: number;
  readonly #propose: SessionPropose<Result>;
  readonly #timers: Timers;
  readonly #limits: SessionLimits;
  /** Sequences without an answer, in their order. */
  readonly #open = new Set<number>();
  #sequence = 0;
  #isEnded = false;

  /** Rejects with NO_LEADER or OVERLOADED once its time is over, as `propose` does, and with the signal's reason. */
  static async begin<Result>(options: SessionOptions<Result>): Promise<ClientSession<Result>> {
    const limits = { ...SESSION_DEFAULTS, ...options.limits };
    const { propose, timers = webTimers, signal } = options;
    const command = encodeBegin(limits.sessionsMax, limits.windowMax);
    // A try whose answer was lost leaves a session that nobody uses: it goes when there are too many.
    const outcome = await persist({ propose, timers, limits, signal, command: () => command });
    assert(outcome.kind === "begun", "a session that is begun has its number");
    return new ClientSession(outcome.session, propose, timers, limits);
  }

  private constructor(id: number, propose: SessionPropose<Result>, timers: Timers, limits: SessionLimits) {
    this.id = id;
    this.#propose = propose;
    this.#timers = timers;
    this.#limits = limits;
  }

  /**
   * Resolves with the command's result. It is sent again over lost leaders and lost answers until it is answered, the
   * signal is aborted or its time is over: then it rejects with OUTCOME_UNKNOWN where it may have been applied or may
   * still be, once, and with the reason, NO_LEADER, OVERLOADED or NO_SPACE where it was not. SESSION_UNKNOWN says that the group
   * gave the session up: what had no answer then may have been applied or not.
   */
  async propose(command: Uint8Array, { signal }: CallOptions = {}): Promise<Result> {
    const { windowMax } = this.#limits;
    if (this.#isEnded) throw hostFailure("SESSION_UNKNOWN", { what: "The session was ended." });
    signal?.throwIfAborted();
    const sequence = this.#sequence + 1;
    if (sequence > this.#acknowledged + windowMax) {
      const what = `The session has a command without an answer ${windowMax} commands ago; this one was not sent.`;
      throw hostFailure("OVERLOADED", { what, data: { session: this.id, windowMax } });
    }
    this.#sequence = sequence;
    this.#open.add(sequence);
    try {
      const outcome = await persist({
        ...{ propose: this.#propose, timers: this.#timers, limits: this.#limits, signal },
        command: () => encodeRequest({ session: this.id, sequence, acknowledged: this.#acknowledged }, command),
      });
      if (outcome.kind === "refused") throw hostFailure(outcome.code, { data: { session: this.id, sequence } });
      assert(outcome.kind === "result", "a request has a result");
      return outcome.result;
    } finally {
      // Answered or given up: nobody asks for it any more, and a copy that is still on its way is refused.
      this.#open.delete(sequence);
    }
  }

  /** The group may forget it. Calls that are under way are refused or answered. */
  async end(options: CallOptions = {}): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const command = encodeEnd(this.id);
    const parts = { propose: this.#propose, timers: this.#timers, limits: this.#limits, signal: options.signal };
    await persist({ ...parts, command: () => command });
  }

  get #acknowledged(): number {
    const [oldest] = this.#open;
    return (oldest ?? this.#sequence + 1) - 1;
  }
}

interface Persistent<Result> {
  readonly propose: SessionPropose<Result>;
  readonly timers: Timers;
  readonly limits: SessionLimits;
  readonly signal: AbortSignal | undefined;
  /** As it is to be sent now. */
  readonly command: () => Uint8Array;
}

async function persist<Result>(parts: Persistent<Result>): Promise<SessionOutcome<Result>> {
  const { propose, timers, limits, signal, command } = parts;
  signal?.throwIfAborted();
  const ending = new AbortController();
  const abort = (): void => ending.abort(signal!.reason);
  signal?.addEventListener("abort", abort, { once: true });
  const deadline = timers.after(limits.timeoutMillis, () => ending.abort(hostFailure("NO_LEADER")));
  let mayBeApplied = false;
  let last: unknown;
  try {
    for (;;) {
      try {
        return await unlessAborted(propose(command(), { signal: ending.signal }), ending.signal, timers);
      } catch (error) {
        if (hasCode(error, "OUTCOME_UNKNOWN")) mayBeApplied = true;
        if (!ending.signal.aborted && !RETRIED.some((code) => hasCode(error, code))) throw error;
        if (!ending.signal.aborted) last = error;
      }
      if (!ending.signal.aborted) await pause(timers, limits.pauseMillis, ending.signal);
      if (!ending.signal.aborted) continue;
      if (mayBeApplied) throw hostFailure("OUTCOME_UNKNOWN", { cause: ending.signal.reason });
      throw signal?.aborted === true ? signal.reason : (last ?? ending.signal.reason);
    }
  } finally {
    deadline.cancel();
    signal?.removeEventListener("abort", abort);
  }
}

/**
 * A member that never answers does not hold its caller up; what it does with the command is not known then. The call
 * itself, which may know that, goes first.
 */
function unlessAborted<T>(call: Promise<T>, signal: AbortSignal, timers: Timers): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => timers.endOfTurn(() => reject(hostFailure("OUTCOME_UNKNOWN", { cause: signal.reason })));
    signal.addEventListener("abort", abort, { once: true });
    call.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

function pause(timers: Timers, millis: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = timers.after(millis, done);
    signal.addEventListener("abort", done, { once: true });
    function done(): void {
      timer.cancel();
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
}
