import { ByteReader, MalformedBytes } from "../../std/reader.ts";
import { ByteWriter } from "../../std/writer.ts";
import { hostFailure } from "../errors.ts";

// What a command of a group with sessions looks like in the log:
//
//   kind u8 | body
//     plain      the machine's own command          applied as often as it is proposed
//     begin      sessions to keep | window          as its beginner says it: all members keep to the same limits
//     request    session | sequence | acknowledged | the machine's command     applied once
//     end        session
//
// Numbers are varints. A session's sequences begin at 1; `acknowledged` says that all up to it are answered or given up.

const PLAIN = 1;
const BEGIN = 2;
const REQUEST = 3;
const END = 4;
const HEAD_BYTES_MAX = 1 + 3 * 8;

export type SessionCommand =
  | { readonly kind: "plain"; readonly bytes: Uint8Array }
  | { readonly kind: "begin"; readonly sessionsMax: number; readonly windowMax: number }
  | ({ readonly kind: "request"; readonly bytes: Uint8Array } & RequestName)
  | { readonly kind: "end"; readonly session: number };

export interface RequestName {
  readonly session: number;
  readonly sequence: number;
  readonly acknowledged: number;
}

export function encodePlain(bytes: Uint8Array): Uint8Array {
  return new ByteWriter(1 + bytes.length).u8(PLAIN).raw(bytes).finish();
}

export function encodeBegin(sessionsMax: number, windowMax: number): Uint8Array {
  return new ByteWriter(HEAD_BYTES_MAX).u8(BEGIN).varint(sessionsMax).varint(windowMax).finish();
}

export function encodeRequest({ session, sequence, acknowledged }: RequestName, bytes: Uint8Array): Uint8Array {
  const writer = new ByteWriter(HEAD_BYTES_MAX + bytes.length).u8(REQUEST);
  return writer.varint(session).varint(sequence).varint(acknowledged).raw(bytes).finish();
}

export function encodeEnd(session: number): Uint8Array {
  return new ByteWriter(HEAD_BYTES_MAX).u8(END).varint(session).finish();
}

/** Throws ENTRY_MALFORMED. Bytes share the command's memory. */
export function decodeSessionCommand(command: Uint8Array): SessionCommand {
  const reader = new ByteReader(command);
  try {
    const kind = reader.u8();
    switch (kind) {
      case PLAIN:
        return { kind: "plain", bytes: reader.raw(reader.remaining) };
      case BEGIN:
        return { kind: "begin", sessionsMax: reader.varint(), windowMax: reader.varint() };
      case REQUEST: {
        const [session, sequence, acknowledged] = [reader.varint(), reader.varint(), reader.varint()];
        return { kind: "request", session, sequence, acknowledged, bytes: reader.raw(reader.remaining) };
      }
      case END:
        return { kind: "end", session: reader.varint() };
      default:
        throw new MalformedBytes("an unknown kind of command");
    }
  } catch (cause) {
    if (!(cause instanceof MalformedBytes)) throw cause;
    const what = "A command was not made for a group with sessions: all members must agree on that from the beginning.";
    throw hostFailure("ENTRY_MALFORMED", { what, cause });
  }
}
