import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { AssertionError } from "../../std/assert.ts";
import { toHex } from "../../std/bytes.ts";
import { crc32, crc32c, crc32ToBytes, crc64nvme, crc64ToBytes } from "../../std/checksums/index.ts";
import { hasCode } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import type { Compute, Hasher, HashName } from "../env.ts";
import { HASH_NAMES } from "./running-hashes.ts";

/** What every Compute does. */
export interface ComputeSuite {
  readonly test: (name: string, run: () => Promise<void>) => void;
  /** Every test leaves what it is given as it was, so that they may share one. */
  readonly open: () => ComputeSubject;
  /** Tests that do not apply, by name, with the reason. */
  readonly skip: Readonly<Record<string, string>>;
}

export interface ComputeSubject extends AsyncDisposable {
  readonly compute: Compute;
  /** Ends all threads as a crash would. */
  loseThreads(): Promise<void>;
}

export function computeConformance(suite: ComputeSuite): void {
  for (const name of Object.keys(suite.skip)) assert.ok(name in CASES, `there is no test named "${name}" to skip`);
  for (const [name, run] of Object.entries(CASES)) {
    if (name in suite.skip) continue;
    suite.test(name, async () => {
      await using subject = suite.open();
      await run(subject);
    });
  }
}

const LARGE = 10 ** 9;
const CASES: Readonly<Record<string, (subject: ComputeSubject) => Promise<void>>> = {
  async "every hash of every length is that of the whole, whatever was expected"({ compute }) {
    const bytes = new Prng(1).bytes(300_000);
    for (const length of [0, 1, 55, 56, 63, 64, 65, 4096, 65_536, 65_537, 300_000]) {
      for (const bytesExpected of [0, length, LARGE, Number.POSITIVE_INFINITY]) {
        const whole = bytes.subarray(0, length);
        using hasher = compute.hasher(HASH_NAMES, bytesExpected);
        await hasher.update(whole);
        expectDigests(await hasher.digest(), HASH_NAMES, whole);
      }
    }
  },

  async "each name alone, some together, none and a name given twice"({ compute }) {
    const bytes = new Prng(2).bytes(1000);
    const lists: HashName[][] = [...HASH_NAMES.map((name) => [name]), ["sha256", "md5"], [], ["md5", "crc32c", "md5"]];
    for (const names of lists) {
      for (const bytesExpected of [0, LARGE]) {
        using hasher = compute.hasher(names, bytesExpected);
        await hasher.update(bytes);
        expectDigests(await hasher.digest(), names, bytes);
      }
    }
  },

  async "chunks of any size and alignment make one stream"({ compute }) {
    const random = new Prng(3);
    for (const bytesExpected of [0, LARGE]) {
      const bytes = random.bytes(200_000);
      using hasher = compute.hasher(["md5", "crc64nvme"], bytesExpected);
      for (let at = 0; at < bytes.length; ) {
        const chunk = bytes.subarray(at, at + random.below(random.chance(0.1) ? 70_000 : 900));
        await hasher.update(chunk);
        at += chunk.length;
      }
      expectDigests(await hasher.digest(), ["md5", "crc64nvme"], bytes);
    }
  },

  async "bytes may change once their update has ended"({ compute }) {
    for (const bytesExpected of [0, LARGE]) {
      const expected = createHash("md5");
      const buffer = new Uint8Array(50_000);
      using hasher = compute.hasher(["md5"], bytesExpected);
      for (let round = 0; round < 20; round++) {
        buffer.fill(round);
        expected.update(buffer);
        await hasher.update(buffer);
        buffer.fill(0xff);
      }
      assert.equal(toHex((await hasher.digest()).get("md5")!), expected.digest("hex"));
    }
  },

  async "64 streams at a time do not mix"({ compute }) {
    const source = new Prng(4).bytes(100_000);
    const streams = Array.from({ length: 64 }, async (_, stream) => {
      const bytes = source.subarray(stream * 100, stream * 100 + 1000 * stream);
      using hasher = compute.hasher(["md5", "crc32"], stream % 4 === 0 ? 0 : LARGE);
      for (let at = 0; at < bytes.length; at += 7919) await hasher.update(bytes.subarray(at, at + 7919));
      expectDigests(await hasher.digest(), ["md5", "crc32"], bytes);
    });
    await Promise.all(streams);
  },

  async "a stream, or one update, may be longer than every buffer"({ compute }) {
    const bytes = new Prng(5).bytes(1_500_000);
    for (const bytesExpected of [0, LARGE]) {
      using once = compute.hasher(["sha1"], bytesExpected);
      using chunked = compute.hasher(["sha1"], bytesExpected);
      const update = once.update(bytes);
      for (let at = 0; at < bytes.length; at += 65_536) await chunked.update(bytes.subarray(at, at + 65_536));
      await update;
      expectDigests(await once.digest(), ["sha1"], bytes);
      expectDigests(await chunked.digest(), ["sha1"], bytes);
    }
  },

  async "streams that are given up leave nothing behind"({ compute }) {
    const bytes = new Prng(6).bytes(20_000);
    for (let round = 0; round < 200; round++) {
      using hasher = compute.hasher(["md5"], LARGE);
      if (round % 3 !== 0) await hasher.update(bytes.subarray(0, 100 * round));
    }
    const updates: (void | Promise<void>)[] = [];
    for (let round = 0; round < 20; round++) {
      using hasher = compute.hasher(["md5"], LARGE);
      updates.push(hasher.update(bytes));
    }
    for (const update of updates) {
      await Promise.resolve(update).catch((error: unknown) => assert.ok(hasCode(error, "HASHER_DISPOSED")));
    }
    using hasher = compute.hasher(["md5"], LARGE);
    await hasher.update(bytes);
    expectDigests(await hasher.digest(), ["md5"], bytes);
  },

  async "a digest that was asked for comes, though the hasher is disposed of"({ compute }) {
    for (const bytesExpected of [0, LARGE]) expectDigests(await askAndDispose(compute, bytesExpected), ["md5"], ABC);
  },

  async "digests belong to the caller"({ compute }) {
    for (const bytesExpected of [0, LARGE]) {
      using hasher = compute.hasher(HASH_NAMES, bytesExpected);
      const digests = await hasher.digest();
      for (const digest of digests.values()) digest.fill(1);
      using next = compute.hasher(HASH_NAMES, bytesExpected);
      expectDigests(await next.digest(), HASH_NAMES, new Uint8Array(0));
    }
  },

  async "an update or a second digest after the digest is a bug"({ compute }) {
    for (const bytesExpected of [0, LARGE]) {
      using hasher = compute.hasher(["md5"], bytesExpected);
      await hasher.digest();
      await assert.rejects(async () => hasher.update(ABC), AssertionError);
      await assert.rejects(async () => hasher.digest(), AssertionError);
    }
  },

  async "a lost thread fails its streams, and later ones get another"({ compute, loseThreads }) {
    const bytes = new Prng(7).bytes(100_000);
    for (let round = 0; round < 2; round++) {
      const open = Array.from({ length: 4 }, () => compute.hasher(["md5"], LARGE));
      for (const hasher of open) await hasher.update(bytes);
      const lost = loseThreads();
      const [asked, written, ...others] = open as [Hasher, Hasher, Hasher, Hasher];
      const waiting = [asked.digest(), Promise.resolve(written.update(new Uint8Array(20_000_000)))];
      const outcomes = Promise.allSettled(waiting);
      await lost;
      for (const outcome of await outcomes) assert.ok(outcome.status === "rejected" && isLost(outcome.reason));
      for (const hasher of others) {
        await assert.rejects(async () => hasher.update(bytes), isLost);
        await assert.rejects(hasher.digest(), isLost);
      }
      for (const hasher of open) hasher[Symbol.dispose]();
      using small = compute.hasher(["md5"], 0);
      await small.update(bytes);
      expectDigests(await small.digest(), ["md5"], bytes);
      using large = compute.hasher(["md5"], LARGE);
      await large.update(bytes);
      expectDigests(await large.digest(), ["md5"], bytes);
    }
  },
};

const ABC = Uint8Array.of(97, 98, 99);

async function askAndDispose(compute: Compute, bytesExpected: number): ReturnType<Hasher["digest"]> {
  using hasher = compute.hasher(["md5"], bytesExpected);
  await hasher.update(ABC);
  // Without an await: the hasher is disposed of first.
  return hasher.digest();
}

function isLost(error: unknown): boolean {
  return hasCode(error, "HASH_THREAD_LOST");
}

function expectDigests(
  digests: ReadonlyMap<HashName, Uint8Array>,
  names: readonly HashName[],
  bytes: Uint8Array,
): void {
  assert.deepEqual([...digests.keys()].toSorted(), [...new Set(names)].toSorted());
  for (const [name, digest] of digests) assert.equal(toHex(digest), toHex(ONE_SHOT[name](bytes)), name);
}

const ONE_SHOT: Readonly<Record<HashName, (bytes: Uint8Array) => Uint8Array>> = {
  md5: (bytes) => createHash("md5").update(bytes).digest(),
  sha1: (bytes) => createHash("sha1").update(bytes).digest(),
  sha256: (bytes) => createHash("sha256").update(bytes).digest(),
  crc32: (bytes) => crc32ToBytes(crc32(bytes)),
  crc32c: (bytes) => crc32ToBytes(crc32c(bytes)),
  crc64nvme: (bytes) => crc64ToBytes(crc64nvme(bytes)),
};
