import { utf8 } from "../../std/bytes.ts";
import { type Row, type RowAddress, TABLES } from "../../store/index.ts";
import { decodeRow, record } from "./records.ts";

export interface SessionRecord {
  readonly owner: string;
  readonly ownerId: string;
  readonly accessKeyId: string;
  readonly address: string;
  readonly userAgent: string;
  readonly createdMillis: number;
  /** The last use that was written: see TOUCH_SHARE in sessions.ts. */
  readonly seenMillis: number;
}

/** In the order of their creation. */
export interface SessionListEntry {
  readonly id: string;
  readonly createdMillis: number;
}

export const SESSION_KEY_PREFIX = "t";
const OWNER_KEY_PREFIX = "o";

/** The key of a session's row; the id is the token's hash in hexadecimal. */
export function sessionKey(id: string): string {
  return SESSION_KEY_PREFIX + id;
}

export function sessionRow(id: string): RowAddress {
  return { table: TABLES.session, key: utf8(sessionKey(id)) };
}

/** The row that lists a user's sessions. */
export function ownerRow(owner: string): RowAddress {
  return { table: TABLES.session, key: utf8(OWNER_KEY_PREFIX + owner) };
}

export function encodeSession(session: SessionRecord): Uint8Array {
  const writer = record().string(session.owner).string(session.ownerId).string(session.accessKeyId);
  writer.string(session.address).string(session.userAgent);
  return writer.u64(session.createdMillis).u64(session.seenMillis).finish();
}

export function decodeSession(row: Row): SessionRecord {
  return decodeRow(row, (reader) => ({
    owner: reader.string(),
    ownerId: reader.string(),
    accessKeyId: reader.string(),
    address: reader.string(),
    userAgent: reader.string(),
    createdMillis: reader.u64(),
    seenMillis: reader.u64(),
  }));
}

export function encodeSessionList(entries: readonly SessionListEntry[]): Uint8Array {
  const writer = record().varint(entries.length);
  for (const { id, createdMillis } of entries) writer.string(id).u64(createdMillis);
  return writer.finish();
}

export function decodeSessionList(row: Row): readonly SessionListEntry[] {
  return decodeRow(row, (reader) => {
    const entries: SessionListEntry[] = [];
    for (let left = reader.varint(); left > 0; left--) {
      entries.push({ id: reader.string(), createdMillis: reader.u64() });
    }
    return entries;
  });
}
