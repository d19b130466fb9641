// An operating error (a full disk, a missing bucket, a conflict) is an AshlarError; a bug is an assertion.
// Each layer owns one table of codes. A gateway maps codes to its protocol in a record that is exhaustive by type.

/** What a code means, for the documentation: one sentence on the event, one on what to do about it. */
export interface ErrorEntry {
  readonly what: string;
  readonly advice: string;
}

export type ErrorTable = Readonly<Record<string, ErrorEntry>>;

export class AshlarError<Code extends string = string> extends Error {
  override readonly name = "AshlarError";
  readonly code: Code;
  /** What to do about it, one sentence. */
  readonly advice: string;
  /** Facts about this one failure: names, sizes, positions. Never secrets. */
  readonly data: Readonly<Record<string, unknown>>;

  constructor(code: Code, what: string, advice: string, data: Readonly<Record<string, unknown>> = {}, cause?: unknown) {
    super(what, cause === undefined ? undefined : { cause });
    this.code = code;
    this.advice = advice;
    this.data = data;
  }
}

export interface FailureDetails {
  /** What happened to which thing, where the table's sentence is too general. */
  readonly what?: string;
  /** What to do about this one failure, likewise. It is shown to people: it names things, not fields of `data`. */
  readonly advice?: string;
  readonly data?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** Makes a layer's constructor of errors: `const fail = failures(STORE_ERRORS)`, then `throw fail("CONFLICT", { data })`. */
export function failures<const Table extends ErrorTable>(
  table: Table,
): <Code extends keyof Table & string>(code: Code, details?: FailureDetails) => AshlarError<Code> {
  return (code, details = {}) => {
    const entry = table[code]!;
    const advice = details.advice ?? entry.advice;
    return new AshlarError(code, details.what ?? entry.what, advice, details.data, details.cause);
  };
}

export function hasCode<Code extends string>(error: unknown, code: Code): error is AshlarError<Code> {
  return error instanceof AshlarError && error.code === code;
}
