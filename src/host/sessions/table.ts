import { assert } from "../../std/assert.ts";
import type { ByteReader } from "../../std/reader.ts";
import type { ByteWriter } from "../../std/writer.ts";
import type { RequestName } from "./command.ts";
import { NO_SESSION_BUGS, type SessionBugs } from "./seeded-bugs.ts";

// In a snapshot:
//
//   version u8 | next session | count | sessions, the longest unused first
//   session: id | window | acknowledged | count | results: sequence | length, bytes

const VERSION = 1;
const NO_ANSWERS: ReadonlyMap<number, Answered> = new Map();

/** A command that was applied. Its result is filled in once the machine has said it. */
export interface Answered {
  result: Uint8Array | undefined;
}

export type Refusal = "SESSION_UNKNOWN" | "SESSION_WINDOW";

interface Session {
  readonly windowMax: number;
  acknowledged: number;
  readonly answers: Map<number, Answered>;
}

/**
 * Who may have commands applied once, and what was answered. It is part of the replicated state: the same commands make
 * the same table on every member, and when there are too many sessions the one that was not used for longest goes.
 */
export class SessionTable {
  /** The longest unused first. */
  readonly #sessions = new Map<number, Session>();
  readonly #bugs: SessionBugs;
  #next = 1;

  constructor(bugs: SessionBugs = NO_SESSION_BUGS) {
    this.#bugs = bugs;
  }

  get size(): number {
    return this.#sessions.size;
  }

  begin(sessionsMax: number, windowMax: number): number {
    const id = this.#next++;
    this.#sessions.set(id, { windowMax, acknowledged: 0, answers: new Map() });
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= Math.max(1, sessionsMax)) break;
      this.#sessions.delete(oldest);
    }
    return id;
  }

  end(id: number): boolean {
    return this.#sessions.delete(id);
  }

  /** What the session has had for this command, why it gets nothing, or the place for what is applied now. */
  look(name: RequestName): { readonly known: Answered } | { readonly fresh: Answered } | Refusal {
    const session = this.#sessions.get(name.session);
    if (session === undefined) return "SESSION_UNKNOWN";
    this.#sessions.delete(name.session);
    this.#sessions.set(name.session, session);
    acknowledge(session, name.acknowledged);
    const { acknowledged, windowMax, answers } = session;
    if (name.sequence <= acknowledged || name.sequence > acknowledged + windowMax) return "SESSION_WINDOW";
    const known = this.#bugs.has("apply-each-try") ? undefined : answers.get(name.sequence);
    if (known !== undefined) return { known };
    const fresh: Answered = { result: undefined };
    answers.set(name.sequence, fresh);
    return { fresh };
  }

  write(writer: ByteWriter): void {
    writer.u8(VERSION).varint(this.#next).varint(this.#sessions.size);
    const isSorted = this.#bugs.has("snapshot-without-order");
    for (const [id, session] of isSorted ? [...this.#sessions].sort(([one], [other]) => one - other) : this.#sessions) {
      const answers = this.#bugs.has("snapshot-without-answers") ? NO_ANSWERS : session.answers;
      writer.varint(id).varint(session.windowMax).varint(session.acknowledged).varint(answers.size);
      for (const [sequence, { result }] of answers) {
        assert(result !== undefined, "every applied command has its result when a snapshot is made");
        writer.varint(sequence).blob(result);
      }
    }
  }

  /** Takes the place of what is there. False where the bytes are of another version. */
  read(reader: ByteReader): boolean {
    this.#sessions.clear();
    if (reader.u8() !== VERSION) return false;
    this.#next = reader.varint();
    for (let left = reader.varint(); left > 0; left--) {
      const id = reader.varint();
      const session = { windowMax: reader.varint(), acknowledged: reader.varint(), answers: new Map() };
      for (let more = reader.varint(); more > 0; more--)
        session.answers.set(reader.varint(), { result: reader.blob().slice() });
      this.#sessions.set(id, session);
    }
    return true;
  }
}

/** Answers are in no certain order: commands of one session may overtake each other. */
function acknowledge(session: Session, acknowledged: number): void {
  if (acknowledged <= session.acknowledged) return;
  session.acknowledged = acknowledged;
  for (const sequence of session.answers.keys()) if (sequence <= acknowledged) session.answers.delete(sequence);
}
