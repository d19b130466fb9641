import { assert } from "../../std/assert.ts";
import { concatBytes } from "../../std/bytes.ts";
import type { Prng } from "../../std/prng.ts";
import { ByteQueue } from "../byte-queue.ts";
import type { Connection, ConnectionHandlers } from "../env.ts";
import { type EnvError, envFailure } from "../errors.ts";
import type { PipeItem, SimPipe } from "./pipe.ts";
import type { SimProcess } from "./process.ts";

/** How often a segment ends somewhere in the middle of what is there to be sent. */
const EARLY_END_CHANCE = 0.25;
const READ_BYTES_MAX = 65_536;
/** What stands in memory that its reader was only lent, once it has been given back. */
const GIVEN_BACK = 0xa5;

export interface SimConnectionOptions {
  readonly process: SimProcess;
  readonly prng: Prng;
  readonly remoteAddress: string;
  readonly peerNames: readonly string[];
  readonly segmentBytesMax: number;
  /** What may be on its way or wait in the other machine's memory. */
  readonly windowBytes: number;
  /** Whether the network breaks the connection at this segment. */
  readonly drawReset: () => boolean;
  /** It is over, and nothing that still comes for it is known here. */
  readonly gone: () => void;
}

/** What the machine knows of a connection before its process learns it. */
type Arrived = { readonly kind: "data"; readonly bytes: Uint8Array } | { readonly kind: "ended" };

/** One end of a simulated connection. It belongs to a process and ends with it. */
export class SimConnection implements Connection {
  readonly remoteAddress: string;
  readonly peerNames: readonly string[];
  readonly #options: SimConnectionOptions;
  readonly #out: SimPipe;
  #handlers: ConnectionHandlers | undefined;
  readonly #pending = new ByteQueue();
  /** Sent and not yet taken by the other process. */
  #windowUsed = 0;
  #arrived: Arrived[] = [];
  #isFlushPlanned = false;
  #isReadPlanned = false;
  #isPaused = false;
  #isEnding = false;
  #hasSentEnd = false;
  #hasReadEnd = false;
  #isGone = false;
  #isDestroyed = false;
  #outcome: { readonly error: EnvError | undefined } | undefined;

  constructor(out: SimPipe, options: SimConnectionOptions) {
    this.#out = out;
    this.#options = options;
    this.remoteAddress = options.remoteAddress;
    this.peerNames = options.peerNames;
  }

  get queuedBytes(): number {
    return this.#pending.length;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  begin(handlers: ConnectionHandlers): void {
    assert(this.#handlers === undefined, "a connection begins once");
    this.#handlers = handlers;
    this.#planRead();
    if (this.#outcome !== undefined) this.#tellClosed(this.#outcome.error);
  }

  send(bytes: Uint8Array): void {
    assert(!this.#isEnding, "nothing is sent behind the end");
    if (this.#isGone || bytes.length === 0) return;
    this.#pending.push(bytes);
    this.#planFlush();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#planRead();
  }

  end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#planFlush();
  }

  destroy(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    if (this.#isGone) return;
    this.#out.push({ kind: "reset" });
    this.lose(undefined);
  }

  /** What the other end or the network has sent. */
  take(item: PipeItem): void {
    if (this.#isGone) return;
    switch (item.kind) {
      case "opened":
        return;
      case "data":
      case "ended":
        this.#arrived.push(item);
        this.#planRead();
        return;
      case "taken":
        this.#windowUsed -= item.count;
        if (this.#pending.length > 0) this.#planFlush();
        return;
      case "reset":
        this.lose(envFailure("CONNECTION_RESET", { what: `${this.remoteAddress} broke the connection off.` }));
    }
  }

  /** The other machine has not answered for too long. */
  timeOut(): void {
    this.lose(envFailure("CONNECTION_TIMED_OUT", { what: `${this.remoteAddress} does not answer any more.` }));
  }

  /** The process has ended; its machine ends the connection behind what has left the process. */
  abandon(): void {
    if (this.#isGone) return;
    if (!this.#hasSentEnd) this.#out.push({ kind: "ended" });
    this.lose(undefined);
  }

  /** The machine is off. */
  crash(): void {
    this.#out.drop();
    this.lose(undefined);
  }

  /** It is over on this side, whatever the other one knows. */
  lose(error: EnvError | undefined): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#pending.clear();
    this.#arrived = [];
    this.#outcome = { error };
    this.#options.gone();
    if (this.#handlers !== undefined) this.#tellClosed(error);
  }

  #tellClosed(error: EnvError | undefined): void {
    const { process } = this.#options;
    process.after(0, "closed", () => this.#handlers!.closed(this.#isDestroyed ? undefined : error));
  }

  #planFlush(): void {
    if (this.#isFlushPlanned) return;
    this.#isFlushPlanned = true;
    this.#options.process.after(0, "send", () => this.#flush());
  }

  #flush(): void {
    this.#isFlushPlanned = false;
    if (this.#isGone) return;
    const hadPending = this.#pending.length > 0;
    while (this.#pending.length > 0) {
      const room = this.#options.windowBytes - this.#windowUsed;
      if (room <= 0) return;
      if (!this.#sendSegment(Math.min(room, this.#pending.length, this.#options.segmentBytesMax))) return;
    }
    if (this.#isEnding && !this.#hasSentEnd) {
      this.#hasSentEnd = true;
      this.#out.push({ kind: "ended" });
      this.#endIfDone();
    } else if (hadPending) {
      this.#options.process.after(0, "drained", () => {
        if (!this.#isGone && this.#pending.length === 0) this.#handlers?.drained?.();
      });
    }
  }

  /** False where the connection broke with it. */
  #sendSegment(lengthMax: number): boolean {
    const { prng, drawReset } = this.#options;
    const endsEarly = prng.chance(EARLY_END_CHANCE);
    const bytes = concatBytes(this.#pending.take(endsEarly ? 1 + prng.below(lengthMax) : lengthMax));
    if (!drawReset()) {
      this.#windowUsed += bytes.length;
      this.#out.push({ kind: "data", bytes });
      return true;
    }
    const arriving = prng.below(bytes.length + 1);
    if (arriving > 0) this.#out.push({ kind: "data", bytes: bytes.slice(0, arriving) });
    this.#out.push({ kind: "reset" });
    this.take({ kind: "reset" });
    return false;
  }

  #planRead(): void {
    if (this.#isReadPlanned || this.#isPaused || this.#handlers === undefined || this.#arrived.length === 0) return;
    this.#isReadPlanned = true;
    this.#options.process.after(0, "read", () => this.#read());
  }

  #read(): void {
    this.#isReadPlanned = false;
    const first = this.#arrived[0];
    if (this.#isGone || this.#isPaused || first === undefined) return;
    if (first.kind === "ended") {
      this.#arrived.shift();
      this.#hasReadEnd = true;
      this.#handlers!.ended();
      this.#endIfDone();
      return;
    }
    const bytes = this.#takeArrived();
    this.#out.push({ kind: "taken", count: bytes.length });
    this.#handlers!.data(bytes);
    bytes.fill(GIVEN_BACK);
    this.#planRead();
  }

  /** All segments that are there, as a kernel gives them in one read. */
  #takeArrived(): Uint8Array {
    const segments: Uint8Array[] = [];
    let length = 0;
    while (length < READ_BYTES_MAX && this.#arrived[0]?.kind === "data") {
      segments.push(this.#arrived[0].bytes);
      length += this.#arrived[0].bytes.length;
      this.#arrived.shift();
    }
    return segments.length === 1 ? segments[0]! : concatBytes(segments);
  }

  #endIfDone(): void {
    if (this.#hasSentEnd && this.#hasReadEnd) this.lose(undefined);
  }
}
