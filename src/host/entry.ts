import { ByteReader, MalformedBytes } from "../std/reader.ts";
import { ByteWriter } from "../std/writer.ts";
import { hostFailure } from "./errors.ts";
import type { Entry } from "./state-machine.ts";

/** First byte of an entry. Other kinds (membership) come with larger groups. */
const COMMANDS = 1;

const VARINT_BYTES_MAX = 8;

/** Encoded once: the same bytes go to the log and to the peers. */
export function encodeEntry(commands: readonly Uint8Array[]): Uint8Array {
  let bytes = 1 + VARINT_BYTES_MAX;
  for (const command of commands) bytes += command.length + VARINT_BYTES_MAX;
  const writer = new ByteWriter(bytes).u8(COMMANDS).varint(commands.length);
  for (const command of commands) writer.blob(command);
  return writer.end();
}

export function decodeEntry(index: number, term: number, bytes: Uint8Array): Entry {
  const reader = new ByteReader(bytes);
  try {
    const kind = reader.u8();
    if (kind !== COMMANDS) throw hostFailure("ENTRY_MALFORMED", { data: { index, kind } });
    const commands: Uint8Array[] = [];
    for (let left = reader.varint(); left > 0; left--) commands.push(reader.blob());
    return { index, term, commands };
  } catch (cause) {
    if (cause instanceof MalformedBytes) throw hostFailure("ENTRY_MALFORMED", { data: { index }, cause });
    throw cause;
  }
}
