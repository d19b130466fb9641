import { assert } from "../../std/assert.ts";
import {
  combineCrc32,
  combineCrc32c,
  combineCrc64nvme,
  crc32FromBytes,
  crc32ToBytes,
  crc64FromBytes,
  crc64ToBytes,
} from "../../std/checksums/index.ts";
import type { ChecksumAlgorithm } from "./objects.ts";

export interface PartChecksum {
  readonly value: Uint8Array;
  readonly length: number;
}

/** The checksum of a whole from those of its parts: only CRCs allow it. */
export function combineChecksums(algorithm: ChecksumAlgorithm, parts: readonly PartChecksum[]): Uint8Array {
  assert(parts.length > 0, "an object of parts has one");
  if (algorithm === "crc64nvme") {
    return crc64ToBytes(
      parts
        .slice(1)
        .reduce(
          (crc, part) => combineCrc64nvme(crc, crc64FromBytes(part.value), part.length),
          crc64FromBytes(parts[0]!.value),
        ),
    );
  }
  assert(algorithm === "crc32" || algorithm === "crc32c", "only CRCs are of full objects");
  const combine = algorithm === "crc32" ? combineCrc32 : combineCrc32c;
  return crc32ToBytes(
    parts
      .slice(1)
      .reduce((crc, part) => combine(crc, crc32FromBytes(part.value), part.length), crc32FromBytes(parts[0]!.value)),
  );
}
