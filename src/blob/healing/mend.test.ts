import { deepEqual, equal } from "node:assert/strict";
import { describe, test } from "node:test";
import { Prng } from "../../std/prng.ts";
import { SECTOR_BYTES } from "../format.ts";
import { MemoryFile } from "../testing/memory-file.ts";
import { IMAGE_IDENTITY, volumeImage } from "../testing/volume-image.ts";
import { type Mended, mendCopy } from "./mend.ts";

const IMAGE = volumeImage([[300, 40], [70_000], [10, 900, 5000]], 0).bytes;

async function mend(damaged: Uint8Array, ...sources: readonly Uint8Array[]): Promise<Mended & { bytes: Uint8Array }> {
  const file = new MemoryFile(damaged);
  const mended = await mendCopy({
    ...{ file, identity: IMAGE_IDENTITY, durable: IMAGE.length },
    sources: sources.map((bytes) => new MemoryFile(bytes)),
    pace: async () => {},
  });
  return { ...mended, bytes: file.bytes };
}

function flipped(bytes: Uint8Array, ...positions: readonly number[]): Uint8Array {
  const copy = bytes.slice();
  for (const position of positions) copy[position]! ^= 1 << (position % 8);
  return copy;
}

describe("mending a copy", () => {
  test("wherever a bit has flipped, everything holds afterwards", async () => {
    for (let position = 0; position < IMAGE.length; position += 61) {
      const damaged = flipped(IMAGE, position);
      const { bytes, repaired, left } = await mend(damaged, IMAGE);
      equal(left, 0, `position ${position}`);
      // What nothing checks belongs to nothing: padding.
      if (repaired === 0) deepEqual(bytes, flipped(IMAGE, position));
      else deepEqual(bytes, IMAGE, `position ${position}`);
      equal((await mend(bytes)).left, 0, `position ${position}`);
    }
  });

  test("a whole copy is not touched", async () => {
    deepEqual(await mend(IMAGE.slice(), new Uint8Array(IMAGE.length)), { repaired: 0, left: 0, bytes: IMAGE });
  });

  test("copies that are damaged at different places make each other whole", async () => {
    const prng = new Prng(5);
    for (let round = 0; round < 30; round++) {
      const own = SECTOR_BYTES + prng.below(300);
      const other = IMAGE.length - SECTOR_BYTES - prng.below(900);
      const { bytes, left } = await mend(flipped(IMAGE, own), flipped(IMAGE, other));
      deepEqual([bytes, left], [IMAGE, 0], `${own} here, ${other} there`);
    }
  });

  test("what one copy lacks the next one gives", async () => {
    const { bytes, left } = await mend(flipped(IMAGE, 20_000), flipped(IMAGE, 20_001), new Uint8Array(0), IMAGE);
    deepEqual([bytes, left], [IMAGE, 0]);
  });

  test("a file that was cut off grows again", async () => {
    const { bytes, left } = await mend(IMAGE.slice(0, 2 * SECTOR_BYTES + 100), IMAGE);
    deepEqual([bytes, left], [IMAGE, 0]);
  });

  test("what no copy has is left as it is and told, and the rest is mended", async () => {
    const both = 3 * SECTOR_BYTES;
    const { bytes, left } = await mend(flipped(IMAGE, both, 10), flipped(IMAGE, both));
    deepEqual(bytes, flipped(IMAGE, both));
    equal(left, 1);
  });
});
