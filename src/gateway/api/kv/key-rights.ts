// What a caller may do with which keys. Policies name keys as text: arn:aws:ashlar:::kv/KEY. A range needs its action on
// PREFIX*, the common prefix of all keys that it can hold, and again on every key that it shows: so a policy for one
// prefix lets nobody look beyond it, and a Deny inside of a prefix that is allowed holds. A range that would show a
// denied key is refused as a whole: an answer that silently lacks rows would be taken for all there are.

import { type Action, keyArn } from "../../../service/access/index.ts";
import { strictText } from "../../../std/bytes.ts";
import { apiFailure } from "../errors.ts";
import type { Permissions } from "../permissions.ts";
import type { KeyRange } from "./addresses.ts";

export class KeyRights {
  readonly #permissions: Permissions;

  constructor(permissions: Permissions) {
    this.#permissions = permissions;
  }

  /** Throws ACCESS_DENIED. */
  requireKeys(action: Action, keys: Iterable<Uint8Array>): void {
    if (this.#permissions.isRoot) return;
    for (const key of keys) this.#require(action, keyText(key));
  }

  /** Throws ACCESS_DENIED. The keys that are found in it are to be asked for too. */
  requireRange(action: Action, { prefix, isOneKey }: KeyRange): void {
    if (this.#permissions.isRoot) return;
    this.#require(action, isOneKey ? keyText(prefix) : `${keyText(wholeCharacters(prefix))}*`);
  }

  #require(action: Action, key: string): void {
    const resource = keyArn(key);
    if (this.#permissions.allowsBeside(action, resource)) return;
    const advice = `Have a policy attached that allows ${action} on ${resource.toWellFormed()}.`;
    throw apiFailure("ACCESS_DENIED", { advice, data: { action, resource: resource.toWellFormed() } });
  }
}

/**
 * A key as the text that policies are matched against: two keys never look alike. Bytes that are no UTF-8 become lone
 * surrogates, U+DC00 and the byte, which no text of a policy holds and which its wildcards match.
 */
export function keyText(key: Uint8Array): string {
  const text = strictText(key);
  if (text !== undefined) return text;
  let out = "";
  for (let at = 0; at < key.length; ) {
    const length = characterLength(key[at]!);
    const character = at + length <= key.length ? strictText(key.subarray(at, at + length)) : undefined;
    out += character ?? String.fromCharCode(0xdc00 + key[at]!);
    at += character === undefined ? 1 : length;
  }
  return out;
}

/** Without a character that is cut off at its end: as text, what begins with the bytes begins with the rest. */
function wholeCharacters(prefix: Uint8Array): Uint8Array {
  for (let back = 1; back <= Math.min(3, prefix.length); back++) {
    const lead = prefix[prefix.length - back]!;
    if (lead >= 0xc0) return characterLength(lead) > back ? prefix.subarray(0, prefix.length - back) : prefix;
  }
  return prefix;
}

/** That a character of UTF-8 has which begins with this byte. */
function characterLength(lead: number): number {
  if (lead < 0xc0) return 1;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}
