// What the access service needs of cryptography, handed in by the composition because this floor has none of its own.

/** SHA-256. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array;

/**
 * Authenticated encryption under the node's seal key, AES-256-GCM in production. Verifying a SigV4 signature needs the
 * secret itself, so that a hash of it will not do: secrets are kept sealed, and opened into memory when their key is
 * first used.
 */
export interface Cipher {
  seal(plain: Uint8Array, associated: Uint8Array): Uint8Array;
  /** Undefined where the bytes were not sealed with this key and this associated data. */
  open(sealed: Uint8Array, associated: Uint8Array): Uint8Array | undefined;
}
