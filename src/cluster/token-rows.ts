import type { Clock, Random } from "../env/index.ts";
import { toHex, utf8 } from "../std/bytes.ts";
import { ByteReader } from "../std/reader.ts";
import { ByteWriter } from "../std/writer.ts";
import { type Check, type Put, type Row, type RowAddress, type Store, TABLES } from "../store/index.ts";
import { clusterFailure } from "./errors.ts";

// The secrets of join tokens, as hashes: who reads the Store can not join with what he finds.
//
//   version u8, expires u64, replaces varint, zone

export interface TokenGrant {
  readonly expiresMillis: number;
  /** The node that goes once the one that joins with this token votes; 0: none. Such a token is good for one node. */
  readonly replaces: number;
  /** Of who joins with it, where he names none. */
  readonly zone: string;
}

export type TokenHash = (secret: Uint8Array) => Uint8Array;

const ROW_VERSION = 1;
const SECRET_BYTES = 32;
const EXPIRED_ROWS_MAX = 100;

/** A new secret, good until then. Tokens that are over go. */
export async function grantToken(
  parts: { readonly store: Store; readonly clock: Clock; readonly random: Random; readonly sha256: TokenHash },
  grant: TokenGrant,
): Promise<string> {
  const { store, clock, random, sha256 } = parts;
  const secret = toHex(random.bytes(SECRET_BYTES));
  const { rows } = await store.scan(TABLES.joinToken, {}, { limit: EXPIRED_ROWS_MAX });
  const expired = rows.filter(({ value }) => decodeGrant(value).expiresMillis <= clock.now());
  const put = { ...tokenAddress(secret, sha256), value: encodeGrant(grant) };
  await store.commit({ puts: [put], deletes: expired.slice(0, 50) });
  return secret;
}

/** Of the token that a cluster begins with. */
export function firstTokenRow(secret: string, expiresMillis: number, sha256: TokenHash): Put {
  return { ...tokenAddress(secret, sha256), value: encodeGrant({ expiresMillis, replaces: 0, zone: "" }) };
}

/** What a secret allows, and the checks of a commit that uses it. Rejects with TOKEN_REFUSED. */
export async function useToken(
  parts: { readonly store: Store; readonly clock: Clock; readonly sha256: TokenHash },
  secret: string,
): Promise<{ readonly grant: TokenGrant; readonly check: Check; readonly row: Row }> {
  const { store, clock, sha256 } = parts;
  const address = tokenAddress(secret, sha256);
  const { row } = await store.get(address);
  const grant = row && decodeGrant(row.value);
  if (row === undefined || grant === undefined || grant.expiresMillis <= clock.now())
    throw clusterFailure("TOKEN_REFUSED");
  return { grant, check: { ...address, revision: row.revision }, row };
}

function tokenAddress(secret: string, sha256: TokenHash): RowAddress {
  return { table: TABLES.joinToken, key: sha256(utf8(secret)) };
}

function encodeGrant({ expiresMillis, replaces, zone }: TokenGrant): Uint8Array {
  return new ByteWriter(32).u8(ROW_VERSION).u64(expiresMillis).varint(replaces).string(zone).finish();
}

function decodeGrant(bytes: Uint8Array): TokenGrant {
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  if (version > ROW_VERSION) throw clusterFailure("CLUSTER_FORMAT_NEWER", { data: { version } });
  return { expiresMillis: reader.u64(), replaces: reader.varint(), zone: reader.string() };
}
