// The Store numbers its leases one after the other, and services have theirs among them. So users never see a number:
// they get it sealed under the cluster's key, bound to who granted it. Nobody can guess or make a handle, one that leaks
// (it stands in paths, which logs show) is of no use to others, and every node can open it without keeping anything.

import type { Cipher } from "../../../service/access/index.ts";
import { fromBase64, toBase64, utf8 } from "../../../std/bytes.ts";
import { type LeaseId, storeFailure } from "../../../store/index.ts";
import type { Caller } from "../authenticate.ts";

const ID_BYTES = 8;

export class LeaseHandles {
  readonly #cipher: Cipher;

  constructor(cipher: Cipher) {
    this.#cipher = cipher;
  }

  /** 48 characters of base64url. */
  seal(lease: LeaseId, caller: Caller): string {
    const plain = new Uint8Array(ID_BYTES);
    new DataView(plain.buffer).setBigUint64(0, BigInt(lease));
    return toBase64(this.#cipher.seal(plain, ownerOf(caller)))
      .replaceAll("+", "-")
      .replaceAll("/", "_");
  }

  /** Throws the code for what is no handle of a lease that this caller has granted. */
  open(handle: string, caller: Caller, code: "LEASE_UNKNOWN" | "SESSION_UNKNOWN" = "LEASE_UNKNOWN"): LeaseId {
    const sealed = fromBase64(handle.replaceAll("-", "+").replaceAll("_", "/"));
    const plain = sealed && this.#cipher.open(sealed, ownerOf(caller));
    if (plain?.length !== ID_BYTES) throw storeFailure(code);
    return Number(new DataView(plain.buffer, plain.byteOffset).getBigUint64(0));
  }
}

/** By id, which no later user of the same name has; the root key may change and stays who it is. */
function ownerOf({ principal }: Caller): Uint8Array {
  return utf8(`lease of ${principal.type === "root" ? "root" : principal.id}`);
}
