import type { Operation } from "./history.ts";

export type UnknownReason = "memory" | "time" | "ambiguous";

/** What a check came to. A violation is proven, and so is `ok`; `unknown` is neither. */
export type Verdict = OkVerdict | ViolationVerdict | UnknownVerdict;

export interface OkVerdict {
  readonly verdict: "ok";
}

export interface ViolationVerdict {
  readonly verdict: "violation";
  /** What is violated, as in `linearizability`, `G-single` or `monotonic reads`. */
  readonly anomaly: string;
  /** Sentences that tell why the operations below can not all be right. */
  readonly explanation: readonly string[];
  /** The object that it is about, where objects are checked apart. */
  readonly key: string | undefined;
  /** The smallest set of operations found that is a violation by itself, in the order of their invocations. */
  readonly operations: readonly Operation[];
  /** Other anomalies that were found, by name. */
  readonly also?: readonly string[];
}

export interface UnknownVerdict {
  readonly verdict: "unknown";
  readonly reason: UnknownReason;
  /** One sentence. */
  readonly detail: string;
}

export interface CheckLimits {
  /** For what the search remembers, estimated; the history itself comes on top. Default: 256 MiB. */
  readonly memoryBytesMax?: number;
  /** Asked between slices of work: whether the caller's time is up. Default: never. */
  readonly isOver?: () => boolean;
}

export const MEMORY_BYTES_DEFAULT: number = 256 * 1024 ** 2;

export const OK: OkVerdict = { verdict: "ok" };

export function unknownVerdict(reason: "memory" | "time"): UnknownVerdict {
  const detail = reason === "memory" ? "The search needs more memory than it may use." : "The time for it is over.";
  return { verdict: "unknown", reason, detail };
}
