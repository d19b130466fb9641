import { assert } from "../../std/assert.ts";
import { hasCode } from "../../std/errors.ts";
import { ByteReader, MalformedBytes } from "../../std/reader.ts";
import { type ByteSource, collect, sourceOf, sourceThrough } from "../../std/source.ts";
import { ByteWriter } from "../../std/writer.ts";
import { hostFailure } from "../errors.ts";
import type { Capture, Entry, StateMachine } from "../state-machine.ts";
import { decodeSessionCommand } from "./command.ts";
import { PLAIN_RESULTS, type ResultCodec } from "./result-codec.ts";
import { NO_SESSION_BUGS, type SessionBugs } from "./seeded-bugs.ts";
import { type Answered, type Refusal, SessionTable } from "./table.ts";

/** What a command of a group with sessions comes to. */
export type SessionOutcome<Result> =
  | { readonly kind: "result"; readonly result: Result }
  | { readonly kind: "begun"; readonly session: number }
  | { readonly kind: "ended" }
  | { readonly kind: "refused"; readonly code: Refusal };

type Plan<Result> =
  /** The machine's next result. */
  | { readonly kind: "apply"; readonly answered: Answered | undefined }
  | { readonly kind: "known"; readonly answered: Answered }
  | { readonly kind: "decided"; readonly outcome: SessionOutcome<Result> };

/** The length of a snapshot's table stands before it. */
const LENGTH_BYTES = 8;
const TABLE_BYTES_MAX = 2 ** 32;

/**
 * A machine in memory whose commands can be applied exactly once: between the log and the machine it remembers, as
 * part of the replicated state, what each session was answered (dissertation of Raft, section 6.3). A machine on disk
 * has to keep such a table among its own rows.
 */
export class SessionMachine<Result> implements StateMachine<SessionOutcome<Result>> {
  readonly #machine: StateMachine<Result>;
  readonly #codec: ResultCodec<Result>;
  readonly #table: SessionTable;
  readonly #bugs: SessionBugs;

  /** Throws GROUP_OPTION_INVALID where the machine is not one in memory. */
  constructor(
    machine: StateMachine<Result>,
    codec: ResultCodec<Result> = PLAIN_RESULTS as ResultCodec<Result>,
    bugs: SessionBugs = NO_SESSION_BUGS,
  ) {
    if (machine.isDurable === true || machine.capture === undefined || machine.restore === undefined) {
      const what = "Sessions need a machine in memory that makes snapshots; one on disk keeps its own among its rows.";
      throw hostFailure("GROUP_OPTION_INVALID", { what });
    }
    this.#machine = machine;
    this.#codec = codec;
    this.#table = new SessionTable(bugs);
    this.#bugs = bugs;
  }

  get appliedIndex(): number {
    return this.#machine.appliedIndex;
  }

  /** Sessions that are known now. */
  get sessions(): number {
    return this.#table.size;
  }

  apply(entries: readonly Entry[]): readonly (readonly SessionOutcome<Result>[])[] {
    const plans: (readonly Plan<Result>[])[] = [];
    const fed = entries.map((entry): Entry => {
      const commands: Uint8Array[] = [];
      plans.push(entry.commands.map((command) => this.#plan(command, commands)));
      return { index: entry.index, term: entry.term, commands };
    });
    const results = this.#machine.apply(fed);
    return plans.map((plan, at) => this.#outcomes(plan, results[at]!));
  }

  capture(): Capture {
    const writer = new ByteWriter(1024);
    this.#table.write(writer);
    const table = writer.finish();
    const head = new ByteWriter(LENGTH_BYTES).u64(table.length).finish();
    const inner = this.#machine.capture!();
    return {
      read: () => joined([head, table], inner.read()),
      close: () => inner.close(),
    };
  }

  async restore(source: ByteSource, index: number): Promise<void> {
    const rest = new Rest(source);
    const head = await rest.take(LENGTH_BYTES);
    const length = new ByteReader(head).u64Unsafe();
    if (length > TABLE_BYTES_MAX) throw damaged();
    try {
      const table = this.#bugs.has("snapshot-without-sessions") ? new SessionTable() : this.#table;
      if (!table.read(new ByteReader(await rest.take(length)))) throw damaged();
    } catch (cause) {
      if (cause instanceof MalformedBytes) throw damaged(cause);
      if (!hasCode(cause, "SNAPSHOT_DAMAGED")) source.cancel(cause);
      throw cause;
    }
    await this.#machine.restore!(rest.source(), index);
  }

  /** Adds what is to be applied to `commands`. */
  #plan(bytes: Uint8Array, commands: Uint8Array[]): Plan<Result> {
    const command = decodeSessionCommand(bytes);
    switch (command.kind) {
      case "plain":
        commands.push(command.bytes);
        return { kind: "apply", answered: undefined };
      case "begin": {
        const session = this.#table.begin(command.sessionsMax, command.windowMax);
        return { kind: "decided", outcome: { kind: "begun", session } };
      }
      case "end":
        this.#table.end(command.session);
        return { kind: "decided", outcome: { kind: "ended" } };
      case "request": {
        const found = this.#table.look(command);
        if (typeof found === "string") return { kind: "decided", outcome: { kind: "refused", code: found } };
        if ("known" in found) return { kind: "known", answered: found.known };
        commands.push(command.bytes);
        return { kind: "apply", answered: found.fresh };
      }
    }
  }

  #outcomes(plan: readonly Plan<Result>[], results: readonly Result[]): readonly SessionOutcome<Result>[] {
    let next = 0;
    return plan.map((one): SessionOutcome<Result> => {
      if (one.kind === "decided") return one.outcome;
      if (one.kind === "known") {
        assert(one.answered.result !== undefined, "what was applied before has its result");
        return { kind: "result", result: this.#codec.decode(one.answered.result) };
      }
      assert(next < results.length, "a machine gives one result a command");
      const result = results[next++] as Result;
      // Kept as bytes: what the machine does to its result later changes no answer.
      if (one.answered !== undefined) one.answered.result = this.#codec.encode(result);
      return { kind: "result", result };
    });
  }
}

function joined(chunks: readonly Uint8Array[], rest: ByteSource): ByteSource {
  const first = sourceOf(...chunks);
  return sourceThrough(rest, async () => (await first.read()) ?? rest.read());
}

/** A source that is read by lengths at its beginning. */
class Rest {
  readonly #source: ByteSource;
  #left: Uint8Array = new Uint8Array(0);

  constructor(source: ByteSource) {
    this.#source = source;
  }

  async take(length: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let missing = length;
    while (missing > 0) {
      if (this.#left.length === 0) {
        const chunk = await this.#source.read();
        if (chunk === null) throw damaged();
        this.#left = chunk;
      }
      const part = this.#left.subarray(0, missing);
      parts.push(part.slice());
      this.#left = this.#left.subarray(part.length);
      missing -= part.length;
    }
    return (await collect(sourceOf(...parts), length))!;
  }

  source(): ByteSource {
    const left = sourceOf(this.#left);
    return sourceThrough(this.#source, async () => (await left.read()) ?? this.#source.read());
  }
}

function damaged(cause?: unknown): Error {
  const what = "A snapshot has no table of sessions: all members must agree on having sessions from the beginning.";
  return hostFailure("SNAPSHOT_DAMAGED", { what, ...(cause !== undefined && { cause }) });
}
