import type { Authority } from "../env/certificates.ts";
import type { SealingCipher } from "../env/crypto.ts";
import { text, utf8 } from "../std/bytes.ts";
import { type RowAddress, type Store, TABLES } from "../store/index.ts";
import { clusterFailure } from "./errors.ts";

// The authority's key: any node may let somebody join, so each can unseal it, and nobody who only has the rows.

const AUTHORITY_KEY: RowAddress = { table: TABLES.clusterSecret, key: utf8("authority-key") };

export type Cipher = Pick<SealingCipher, "seal" | "open">;

/** The row that holds the authority's private key (PKCS #8, PEM). */
export function authorityRow(cipher: Cipher, privateKey: string): RowAddress & { readonly value: Uint8Array } {
  return { ...AUTHORITY_KEY, value: cipher.seal(utf8(privateKey), AUTHORITY_KEY.key) };
}

/** Rejects with SECRET_UNREADABLE where the row is not there or this node's key does not open it. */
export async function readAuthority(
  store: Store,
  cipher: Cipher,
  authority: Omit<Authority, "privateKey">,
): Promise<Authority> {
  const { row } = await store.get(AUTHORITY_KEY);
  const plain = row && cipher.open(row.value, AUTHORITY_KEY.key);
  if (plain === undefined) throw clusterFailure("SECRET_UNREADABLE");
  return { ...authority, privateKey: text(plain) };
}
