// Names that people choose, and ids and secrets that are made from random bytes.

import type { Random } from "../../env/index.ts";
import { accessFailure } from "./errors.ts";

/** Taken: the root key acts under it. */
export const ROOT_NAME = "root";

/** The forms that IAM allows. */
const USER_NAME = /^[\w+=,.@-]{1,64}$/;
const POLICY_NAME = /^[\w+=,.@-]{1,128}$/;
/** Printable ASCII without the slash, comma and equals sign that structure the header of a signature. */
const KEY_ID = /^[\x21-\x2b\x2d\x2e\x30-\x3c\x3e-\x7e]{3,128}$/;
const SECRET = /^[\x21-\x7e]{8,128}$/;

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const SECRET_CHARACTERS = 40;

const KEY_PREFIX = "ASHK";
const TEMPORARY_PREFIX = "ASHT";
const USER_PREFIX = "ASHU";

/** Throws NAME_INVALID. */
export function checkUserName(name: string): void {
  if (!USER_NAME.test(name)) throw accessFailure("NAME_INVALID", { data: { name: name.slice(0, 200) } });
  if (name !== ROOT_NAME) return;
  throw accessFailure("NAME_INVALID", { what: "The name root belongs to the root key.", data: { name } });
}

/** Throws NAME_INVALID. */
export function checkPolicyName(name: string): void {
  if (!POLICY_NAME.test(name)) throw accessFailure("NAME_INVALID", { data: { name: name.slice(0, 200) } });
}

export function isKeyId(id: string): boolean {
  return KEY_ID.test(id);
}

export function isTemporaryKeyId(id: string): boolean {
  return id.startsWith(TEMPORARY_PREFIX);
}

/** Throws KEY_INVALID. The secret is in no error. */
export function checkImportedKey(id: string, secret: string): void {
  if (!KEY_ID.test(id) || isTemporaryKeyId(id) || !SECRET.test(secret)) {
    throw accessFailure("KEY_INVALID", { data: { accessKeyId: id.slice(0, 200) } });
  }
}

/** 20 characters, 80 bits of them random. */
export function makeKeyId(random: Random): string {
  return KEY_PREFIX + base32(random.bytes(10));
}

export function makeTemporaryKeyId(random: Random): string {
  return TEMPORARY_PREFIX + base32(random.bytes(10));
}

export function makeUserId(random: Random): string {
  return USER_PREFIX + base32(random.bytes(10));
}

/** 40 characters, 238 bits. Letters and digits only, so that it survives shells and URLs. */
export function makeSecret(random: Random): string {
  let secret = "";
  while (secret.length < SECRET_CHARACTERS) {
    for (const byte of random.bytes(SECRET_CHARACTERS)) {
      // Bytes from the last, incomplete run over the alphabet would favour its first characters.
      if (byte >= 248 || secret.length === SECRET_CHARACTERS) continue;
      secret += ALPHANUMERIC[byte % ALPHANUMERIC.length]!;
    }
  }
  return secret;
}

/** Compares without telling by its time where two texts differ. Their lengths may show. */
export function equalSecrets(left: string, right: string): boolean {
  let difference = left.length ^ right.length;
  for (let at = 0; at < left.length; at++)
    difference |= left.charCodeAt(at) ^ right.charCodeAt(at % (right.length || 1));
  return difference === 0;
}

/** Whole groups of five bytes. */
function base32(bytes: Uint8Array): string {
  let out = "";
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    for (bits += 8; bits >= 5; ) {
      bits -= 5;
      out += BASE32[(held >>> bits) & 31]!;
    }
    held &= 31;
  }
  return out;
}
