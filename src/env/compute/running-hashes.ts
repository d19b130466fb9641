import { assert } from "../../std/assert.ts";
import { crc32, crc32c, crc32ToBytes, crc64nvme, crc64ToBytes } from "../../std/checksums/index.ts";
import type { HashName } from "../env.ts";
import { envFailure } from "../errors.ts";

/** In the order in which digests of one stream stand behind each other, and as bits of a mask. */
export const HASH_NAMES: readonly HashName[] = ["md5", "sha1", "sha256", "crc32", "crc32c", "crc64nvme"];

export const DIGEST_BYTES: Readonly<Record<HashName, number>> = {
  md5: 16,
  sha1: 20,
  sha256: 32,
  crc32: 4,
  crc32c: 4,
  crc64nvme: 8,
};

export function maskOf(names: readonly HashName[]): number {
  let mask = 0;
  for (const name of names) mask |= 1 << HASH_NAMES.indexOf(name);
  return mask;
}

export function namesOf(mask: number): HashName[] {
  return HASH_NAMES.filter((_, bit) => (mask & (1 << bit)) !== 0);
}

/** CRCs alone cost no more than the copy that would take the bytes to another thread. */
export function areCheap(names: readonly HashName[]): boolean {
  return !names.some((name) => name === "md5" || name === "sha1" || name === "sha256");
}

/** Several hashes over one stream: each chunk passes through all of them while it is in the cache. */
export class RunningHashes {
  readonly #hashes: ReadonlyMap<HashName, RunningHash>;

  constructor(names: readonly HashName[]) {
    this.#hashes = new Map(names.map((name) => [name, START[name]()]));
  }

  update(bytes: Uint8Array): void {
    for (const hash of this.#hashes.values()) hash.update(bytes);
  }

  /** Once, at the end. */
  digest(): Map<HashName, Uint8Array> {
    const digests = new Map<HashName, Uint8Array>();
    for (const [name, hash] of this.#hashes) {
      const digest = hash.digest();
      assert(digest.length === DIGEST_BYTES[name]);
      digests.set(name, digest);
    }
    return digests;
  }
}

interface RunningHash {
  update(bytes: Uint8Array): void;
  digest(): Uint8Array;
}

const START: Readonly<Record<HashName, () => RunningHash>> = {
  md5: () => cryptographic("md5"),
  sha1: () => cryptographic("sha1"),
  sha256: () => cryptographic("sha256"),
  crc32: () => cyclic(crc32),
  crc32c: () => cyclic(crc32c),
  crc64nvme() {
    let crc = 0n;
    return {
      update(bytes) {
        crc = crc64nvme(bytes, crc);
      },
      digest: () => crc64ToBytes(crc),
    };
  },
};

/** Looked up when first used: a browser, which has none, can load all the rest. */
let nodeCrypto: typeof import("node:crypto") | undefined;

/** Throws LIBRARY_MISSING in a browser. */
function cryptographic(algorithm: "md5" | "sha1" | "sha256"): RunningHash {
  nodeCrypto ??= (globalThis as { process?: NodeJS.Process }).process?.getBuiltinModule("node:crypto");
  if (nodeCrypto === undefined) {
    throw envFailure("LIBRARY_MISSING", {
      what: `There is no ${algorithm} outside of Node.`,
      advice: "Use a CRC there.",
      data: { algorithm },
    });
  }
  const hash = nodeCrypto.createHash(algorithm);
  return {
    update(bytes) {
      hash.update(bytes);
    },
    // Public values are plain arrays, and a Buffer may be a view of a pool that others see.
    digest: () => new Uint8Array(hash.digest()),
  };
}

function cyclic(checksum: (bytes: Uint8Array, previous: number) => number): RunningHash {
  let crc = 0;
  return {
    update(bytes) {
      crc = checksum(bytes, crc);
    },
    digest: () => crc32ToBytes(crc),
  };
}
