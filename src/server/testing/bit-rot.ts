import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Prng } from "../../std/prng.ts";

const PIECE_BYTES = 256 * 1024;

/** Flips a bit of each piece that holds something, of all files of the folder. How many that were. */
export async function flipBits(folder: string, prng: Prng): Promise<number> {
  let flipped = 0;
  for (const name of await readdir(folder)) {
    await using file = await open(join(folder, name), "r+");
    const piece = new Uint8Array(PIECE_BYTES);
    for (let at = 0; ; at += PIECE_BYTES) {
      const { bytesRead } = await file.read(piece, 0, PIECE_BYTES, at);
      const used = piece.subarray(0, bytesRead).findLastIndex((byte) => byte !== 0) + 1;
      if (used > 0) {
        const where = prng.below(used);
        await file.write(Uint8Array.of(piece[where]! ^ (1 << prng.below(8))), 0, 1, at + where);
        flipped++;
      }
      if (bytesRead < PIECE_BYTES) break;
    }
  }
  return flipped;
}
