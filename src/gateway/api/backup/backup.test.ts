import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Disk } from "../../../env/index.ts";
import { SimDisk, SimRandom } from "../../../env/sim/index.ts";
import { concatBytes, EMPTY, text, utf8 } from "../../../std/bytes.ts";
import { Prng } from "../../../std/prng.ts";
import { sourceOf } from "../../../std/source.ts";
import { settle } from "../testing/manual-time.ts";
import { openWorld, type World } from "../testing/world.ts";
import { decodeManifest } from "./manifest.ts";
import { piecesOfArchive, piecesOfFolder } from "./read.ts";
import { isUnfinishedRestore, restoreBackup } from "./restore.ts";
import { encodeTarHeader, parseTarHeader, TAR_BLOCK_BYTES, tarPadding } from "./tar.ts";

const newDisk = (): Disk => new SimDisk().mount();
const random = () => new SimRandom(new Prng(3));

async function openFilledWorld(): Promise<World> {
  const disk = newDisk();
  await writeFile(disk, "format.json", utf8(`{"format":1}`));
  const world = await openWorld({ disk });
  await world.call("PUT", "/v1/buckets/photos", { json: { versioning: "enabled" } });
  for (const [key, length] of [
    ["inline", 100],
    ["needle", 20_000],
    ["extents", 1_500_000],
  ] as const) {
    await world.call("PUT", `/v1/buckets/photos/object?key=${key}`, { body: contentOf(key, length) });
  }
  await world.call("PUT", "/v1/users/alice", { json: { policies: ["readonly"] } });
  return world;
}

const contentOf = (key: string, length: number): string => key.repeat(Math.ceil(length / key.length)).slice(0, length);

async function backupOf(world: World): Promise<Uint8Array> {
  const answer = await world.call("POST", "/v1/backup");
  assert.equal(answer.status, 200, answer.text.slice(0, 500));
  assert.equal(answer.headers.get("content-length"), String(answer.body.length));
  return answer.body;
}

const restore = (archive: Uint8Array, disk: Disk) =>
  restoreBackup(piecesOfArchive(chunked(archive)), { disk, random: random(), segmentBytes: 8 << 20 });

/** In pieces that fit nothing. */
function chunked(bytes: Uint8Array) {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 100_003) chunks.push(bytes.slice(at, at + 100_003));
  return sourceOf(...chunks);
}

describe("a backup", () => {
  test("is told among the events when its last byte is out", async () => {
    await using world = await openFilledWorld();
    await backupOf(world);
    await world.events.settled();
    const { items } = await world.events.page({ limit: 1 });
    assert.deepEqual([items[0]!.text, items[0]!.object, items[0]!.actor], ["Backup taken.", "node", "root"]);
  });

  test("is told as broken off where its reader leaves in the middle", async () => {
    await using world = await openFilledWorld();
    const told: string[] = [];
    world.events.subscribe(({ text }) => void told.push(text));
    for (let turns = 10; !told.includes("Backup taken."); turns += 10) {
      const leave = new AbortController();
      const taken = world.call("POST", "/v1/backup", { signal: leave.signal }).catch(() => undefined);
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      leave.abort();
      await taken;
      await settle();
    }
    assert.ok(told.includes("Backup taken. The transfer broke off before its end."), told.join("\n"));
  });

  test("gives everything back: objects, versions, users, in a node that goes on", async () => {
    let archive: Uint8Array;
    {
      await using world = await openFilledWorld();
      archive = await backupOf(world);
    }
    const disk = newDisk();
    const report = await restore(archive, disk);
    assert.ok(report.rows > 5);
    assert.deepEqual(
      report.volumes.map(({ damaged }) => damaged.length),
      [0, 0],
    );
    await using restored = await openWorld({ disk });
    for (const [key, length] of [
      ["inline", 100],
      ["needle", 20_000],
      ["extents", 1_500_000],
    ] as const) {
      assert.equal(
        (await restored.call("GET", `/v1/buckets/photos/object?key=${key}`)).text,
        contentOf(key, length),
        key,
      );
    }
    assert.deepEqual((await restored.call("GET", "/v1/users/alice")).json.policies, ["readonly"]);
    assert.equal(
      (await restored.call("PUT", "/v1/buckets/photos/object?key=new", { body: "x".repeat(50_000) })).status,
      201,
    );
    assert.equal((await restored.call("GET", "/v1/buckets/photos/object?key=new")).body.length, 50_000);
    assert.deepEqual(restored.unexpected, []);
    assert.deepEqual((await restored.call("GET", "/v1/status")).json.faults, []);
  });

  test("holds all that was acknowledged before it, and nothing half, while writes go on", async () => {
    await using world = await openFilledWorld();
    let number = 0;
    let stopped = false;
    const lengthOf = (at: number): number => (at % 16 === 5 ? 1_100_000 : [50, 5000, 30_000][at % 3]!);
    const acknowledged: string[] = [];
    const writer = async (): Promise<void> => {
      while (!stopped) {
        const key = `w${number++}`;
        await world.call("PUT", `/v1/buckets/photos/object?key=${key}`, { body: contentOf(key, lengthOf(number)) });
        acknowledged.push(key);
      }
    };
    const writers = Array.from({ length: 4 }, writer);
    for (let turns = 0; turns < 5; turns++) await settle();
    const before = [...acknowledged];
    const archive = await backupOf(world);
    stopped = true;
    await Promise.all(writers);
    assert.ok(before.length > 0 && acknowledged.length > before.length, "writes went on meanwhile");
    const disk = newDisk();
    const report = await restore(archive, disk);
    assert.deepEqual(
      report.volumes.flatMap(({ damaged }) => damaged),
      [],
    );
    await using restored = await openWorld({ disk });
    const { items } = (await restored.call("GET", "/v1/buckets/photos/objects?prefix=w&limit=1000")).json;
    const keys = items.map(({ key }: { key: string }) => key);
    for (const key of before) assert.ok(keys.includes(key), key);
    for (const { key, sizeBytes } of items) {
      assert.equal(
        (await restored.call("GET", `/v1/buckets/photos/object?key=${key}`)).text,
        contentOf(key, sizeBytes),
        key,
      );
    }
    assert.deepEqual((await restored.call("GET", "/v1/status")).json.faults, []);
  });

  test("is an archive that tar reads", async () => {
    await using world = await openFilledWorld();
    const archive = await backupOf(world);
    const folder = mkdtempSync(join(tmpdir(), "ashlar-tar-"));
    try {
      writeFileSync(join(folder, "b.tar"), archive);
      const names = execFileSync("tar", ["tf", join(folder, "b.tar")], { encoding: "utf8" })
        .trim()
        .split("\n");
      assert.deepEqual(names, [
        ...["ashlar-backup.json", "format.json", "checkpoint"],
        ...["volumes/00000001.g1.volume", "volumes/00000002.g1.volume", "ashlar-backup-proof.json"],
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("runs alone, and leaves nothing behind, also where its reader leaves", async () => {
    await using world = await openFilledWorld();
    const leave = new AbortController();
    const first = world.call("POST", "/v1/backup", { signal: leave.signal }).catch(() => undefined);
    const second = world.call("POST", "/v1/backup");
    leave.abort();
    await first;
    assert.equal((await second).code, "BACKUP_RUNNING");
    for (let turns = 0; turns < 5; turns++) await settle();
    assert.deepEqual(await world.disk.list("backup"), []);
    await backupOf(world);
    await settle();
    assert.deepEqual(await world.disk.list("backup"), []);
  });
});

describe("a restore", () => {
  test("takes a folder that a backup was unpacked into", async () => {
    await using world = await openFilledWorld();
    const archive = await backupOf(world);
    const unpacked = newDisk();
    await unpacked.makeDirectory("volumes");
    for await (const { name, content } of piecesOfArchive(chunked(archive))) {
      const chunks: Uint8Array[] = [];
      for (let chunk = await content.read(); chunk !== null; chunk = await content.read()) chunks.push(chunk.slice());
      await writeFile(unpacked, name, concatBytes(chunks));
    }
    const report = await restoreBackup(piecesOfFolder(unpacked), {
      disk: newDisk(),
      random: random(),
      segmentBytes: 8 << 20,
    });
    assert.equal(report.volumes.length, 2);
    await unpacked.remove("checkpoint");
    const refused = restoreBackup(piecesOfFolder(unpacked), {
      disk: newDisk(),
      random: random(),
      segmentBytes: 8 << 20,
    });
    await assert.rejects(refused, { code: "BACKUP_INCOMPLETE" });
    await assert.rejects(
      restoreBackup(piecesOfFolder(newDisk()), { disk: newDisk(), random: random(), segmentBytes: 8 << 20 }),
      {
        code: "BACKUP_MALFORMED",
      },
    );
  });

  test("writes into an empty folder only", async () => {
    await using world = await openFilledWorld();
    const archive = await backupOf(world);
    const disk = newDisk();
    await writeFile(disk, "precious", utf8("data"));
    await assert.rejects(restore(archive, disk), { code: "TARGET_NOT_EMPTY" });
    assert.deepEqual(await disk.list(""), ["precious"]);
  });

  test("notices every cut and every flipped bit, and leaves a folder that says that it is unfinished", async () => {
    await using world = await openFilledWorld();
    const archive = await backupOf(world);
    const prng = new Prng(11);
    for (let round = 0; round < 6; round++) {
      const disk = newDisk();
      const cut = archive.subarray(0, prng.below(archive.length - 1024));
      await assert.rejects(restore(cut, disk), (error: { code: string }) =>
        /^BACKUP_(INCOMPLETE|MALFORMED|DAMAGED)$/.test(error.code),
      );
      assert.equal(await isUnfinishedRestore(disk), true);
    }
    const files = contentRanges(archive);
    for (const [name, from, to] of files) {
      const flipped = archive.slice();
      const at = from + prng.below(to - from);
      flipped[at] = flipped[at]! ^ (1 << prng.below(8));
      const disk = newDisk();
      const outcome = await restore(flipped, disk).then(
        () => "restored",
        (error: { code: string }) => error.code,
      );
      assert.match(outcome, /^BACKUP_(DAMAGED|MALFORMED|NEWER|INCOMPLETE)$/, `${name} at ${at - from}`);
    }
  });

  test("refuses what is no backup, what is of a newer version, and names that lead elsewhere", async () => {
    const archiveOf = (name: string, content: string): Uint8Array => {
      const bytes = utf8(content);
      const header = encodeTarHeader({ name, bytes: bytes.length, modifiedMillis: 0 });
      return concatBytes([header, bytes, new Uint8Array(tarPadding(bytes.length) + 1024)]);
    };
    const outcome = (archive: Uint8Array) =>
      restore(archive, newDisk()).then(
        () => "restored",
        (error: { code: string }) => error.code,
      );
    assert.equal(await outcome(EMPTY), "BACKUP_INCOMPLETE");
    assert.equal(await outcome(utf8("x".repeat(2000))), "BACKUP_MALFORMED");
    assert.equal(await outcome(archiveOf("other.txt", "hello")), "BACKUP_MALFORMED");
    assert.equal(await outcome(archiveOf("ashlar-backup.json", `{"format":99}`)), "BACKUP_NEWER");
    for (const name of [
      "../../etc/cron.d/x",
      "/etc/passwd",
      "store/checkpoint-1",
      "volumes/../x.volume",
      "volumes/1.volume",
    ]) {
      const manifest = { format: 1, version: "1", node: "1", createdMillis: 0, files: [{ name, bytes: 0 }] };
      assert.equal(decodeManifest(utf8(JSON.stringify(manifest))), undefined, name);
      assert.equal(await outcome(archiveOf("ashlar-backup.json", JSON.stringify(manifest))), "BACKUP_MALFORMED", name);
    }
  });
});

describe("tar headers", () => {
  for (const bytes of [0, 1, 511, 512, 8 * 1024 ** 3 - 1, 8 * 1024 ** 3, 2 ** 45]) {
    test(`hold a file of ${bytes} bytes`, () => {
      const entry = { name: "volumes/00000001.g1.volume", bytes, modifiedMillis: 1_700_000_000_000 };
      assert.deepEqual(parseTarHeader(encodeTarHeader(entry)), entry);
    });
  }

  test("are refused with any bit wrong", () => {
    const header = encodeTarHeader({ name: "checkpoint", bytes: 12_345, modifiedMillis: 0 });
    for (let bit = 0; bit < TAR_BLOCK_BYTES * 8; bit += 7) {
      // What ends the checksum's digits means nothing.
      if (bit >> 3 === 154 || bit >> 3 === 155) continue;
      const wrong = header.slice();
      wrong[bit >> 3] = wrong[bit >> 3]! ^ (1 << (bit & 7));
      assert.equal(parseTarHeader(wrong), undefined, `bit ${bit}`);
    }
  });
});

/** Where in the archive each file's bytes lie. */
function contentRanges(archive: Uint8Array): [string, number, number][] {
  const ranges: [string, number, number][] = [];
  for (let at = 0; ; ) {
    const entry = parseTarHeader(archive.subarray(at, at + TAR_BLOCK_BYTES));
    if (entry === undefined) return ranges;
    const from = at + TAR_BLOCK_BYTES;
    // Behind the proof's text stand spaces, which mean nothing.
    const end = entry.name.endsWith("proof.json")
      ? text(archive.subarray(from, from + entry.bytes)).trimEnd().length
      : entry.bytes;
    ranges.push([entry.name, from, from + end]);
    at = from + entry.bytes + tarPadding(entry.bytes);
  }
}

async function writeFile(disk: Disk, name: string, bytes: Uint8Array): Promise<void> {
  const file = await disk.open(name, "create");
  await file.write(0, [bytes]);
  await file.sync();
  await file.close();
}
