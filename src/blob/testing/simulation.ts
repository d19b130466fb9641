import { AssertionError } from "../../std/assert.ts";
import { equalBytes, text, toHex, utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { type ByteSource, chunksOf } from "../../std/source.ts";
import { TABLES } from "../../store/index.ts";
import type { BlobBug } from "../index.ts";
import { inspectVolume, listVolumeFiles } from "../index.ts";
import { decodeMark, needleOfSuffix, shareAddress } from "../needle-rows.ts";
import { Contents, nameOf, Violation } from "./contents.ts";
import { lengthOf, refsOf, World } from "./world.ts";

export interface SimulationOptions {
  readonly seed: number;
  readonly bugs?: readonly BlobBug[];
  /** Left out: the seed decides. */
  readonly faults?: Partial<Faults>;
}

export interface Faults {
  /** How many times the process ends during the run. */
  readonly ends: number;
  /** Of them, the share in which power fails. */
  readonly powerShare: number;
  readonly smallDisk: boolean;
  readonly rot: boolean;
  readonly failedSyncs: boolean;
  readonly lostReplies: boolean;
  readonly slowStore: boolean;
  readonly slowDisk: boolean;
  readonly clockJumps: boolean;
}

const OWNERS = 6;
const SUFFIXES = ["", "a", "b"];
const CLIENTS = 5;
const PHASE_MILLIS = 2500;
/** Until all garbage is found, compacted and forgotten. */
const QUIET_MILLIS = 60_000;
const QUIET_PARTS = 4;
const QUIET_PARTS_MAX = 40;
const SETTLED_MILLIS = 15_000;
const KIB = 1024;

/**
 * Random clients against one node whose process ends again and again, then a quiet phase. At every read, and for all
 * rows at the end: what a row names reads back as it was appended.
 */
export class Simulation {
  readonly world: World;
  readonly #prng: Prng;
  readonly #faults: Faults;
  /** What each needle was given, under volume and number. */
  readonly #contents = new Contents();
  /** Counts the process's lives: clients of an earlier one are dead. */
  #life = 0;
  /** Power fails as soon as the next row is committed: when what was acknowledged is youngest. */
  #armed = false;
  #resting = false;
  /** Needles whose bytes a flipped bit may have hit. */
  #rotted = 0;
  readonly counts = {
    puts: 0,
    reads: 0,
    copies: 0,
    shares: 0,
    deletes: 0,
    aborts: 0,
    refused: 0,
    conflicts: 0,
    ends: 0,
  };
  #violation: Error | undefined;

  private constructor(world: World, prng: Prng, faults: Faults) {
    this.world = world;
    this.#prng = prng;
    this.#faults = faults;
  }

  static async run({ seed, bugs = [], faults }: SimulationOptions): Promise<Simulation> {
    const prng = new Prng(seed);
    const drawn: Faults = {
      ends: prng.below(6),
      powerShare: prng.pick([0.3, 0.7, 1]),
      smallDisk: prng.chance(0.25),
      rot: prng.chance(0.2),
      failedSyncs: prng.chance(0.25),
      lostReplies: prng.chance(0.3),
      slowStore: prng.chance(0.4),
      slowDisk: prng.chance(0.3),
      clockJumps: prng.chance(0.2),
      ...faults,
    };
    const volumeBytes = prng.pick([288, 320, 512]) * KIB;
    const world = await World.open({
      seed,
      bugs,
      options: {
        volumeBytes,
        spaceReserveBytes: 2 * volumeBytes,
        volumeStepBytes: prng.pick([64, 256, 4096]) * KIB,
        needleBytesMax: prng.pick([8, 16, 32]) * KIB,
        batchBytesMax: prng.pick([64, 256]) * KIB,
        filesOpenMax: prng.pick([4, 64]),
        readersGraceMillis: prng.pick([50, 300, 1000]),
        compactBytesPerSecond: prng.pick([4096, 65_536]) * KIB,
        scrubBytesPerSecond: prng.pick([256, 4096]) * KIB,
      },
      disk: {
        powersafeOverwrite: prng.chance(0.5),
        garbledChance: prng.pick([0, 0.1, 0.4]),
        delayMillis: drawn.slowDisk ? [1, 15] : [0.05, 0.3],
        slowChance: prng.pick([0, 0.01]),
        slowMillis: 50,
        bytesMax: drawn.smallDisk ? 6 * volumeBytes : 1024 * 1024 * KIB,
      },
      unknownChance: drawn.lostReplies ? 0.05 : 0,
      storeMillis: drawn.slowStore ? [10, 150] : [0.1, 2],
    });
    const simulation = new Simulation(world, prng, drawn);
    await simulation.#run();
    return simulation;
  }

  get traceHash(): string {
    return this.world.machine.scheduler.traceHash;
  }

  async #run(): Promise<void> {
    this.#startClients();
    for (let end = 0; end < this.#faults.ends; end++) {
      await this.world.run(PHASE_MILLIS * (0.2 + this.#prng.unit()));
      await this.#disturb();
      if (this.#prng.chance(this.#faults.powerShare / 2)) await this.#endAtCommit();
      await this.#end();
    }
    await this.world.run(PHASE_MILLIS);
    await this.#disturb();
    await this.world.run(PHASE_MILLIS);
    this.#resting = true;
    if (this.world.fatal.length > 0) await this.#end();
    if (this.#faults.smallDisk) await this.world.settle(this.#deleteSome());
    // Over a slow Store the collector takes its time.
    const isBehind = (): boolean => this.world.rows.rowsOf(TABLES.drop).length > 0;
    for (let part = 0; part < QUIET_PARTS || (part < QUIET_PARTS_MAX && isBehind()); part++) {
      await this.world.run(QUIET_MILLIS / QUIET_PARTS);
      // A sync that was to fail may have come only now.
      if (this.world.fatal.length > 0) await this.#end();
    }
    await this.world.settle(this.#checkRows());
    await this.world.settle(this.#checkSpace());
    this.#checkEvents();
    await this.world.close();
    this.#throwViolation();
  }

  /** Between two lives: what does not end the process. */
  async #disturb(): Promise<void> {
    const { machine } = this.world;
    if (this.#faults.clockJumps) machine.clock.jump(this.#prng.pick([-20_000, 3000, 60_000]));
    if (this.#prng.chance(0.2)) machine.pause(this.#prng.below(2000));
    if (this.#faults.failedSyncs && this.#prng.chance(0.5)) machine.disk.failNext("sync");
    if (this.#faults.rot) await this.#rot();
    await this.world.run(200);
    this.#throwViolation();
  }

  async #endAtCommit(): Promise<void> {
    this.#armed = true;
    await this.world.run(PHASE_MILLIS / 4);
    this.#armed = false;
  }

  async #end(): Promise<void> {
    this.#life++;
    this.counts.ends++;
    this.world.fatal.length = 0;
    if (this.#prng.chance(0.3)) {
      await this.world.startInVain(this.#prng.below(30), this.#prng.pick(["crash", "kill"]));
    }
    if (this.#prng.chance(this.#faults.powerShare)) await this.world.crash();
    else await this.world.kill();
    this.#throwViolation();
    if (!this.#resting) this.#startClients();
  }

  /** One bit of something that was synced. */
  async #rot(): Promise<void> {
    const { disk } = this.world.machine.env;
    const files = await this.world.settle(listVolumeFiles(disk));
    if (files.length === 0) return;
    const file = this.#prng.pick(files);
    // It may have been removed or cut off while it was listed.
    const length = this.world.machine.disk.lengthNow(file.name) ?? 0;
    if (length === 0) return;
    this.world.machine.disk.rot(file.name, this.#prng.below(length), this.#prng.below(8));
    this.#rotted++;
  }

  #startClients(): void {
    for (let client = 0; client < CLIENTS; client++) {
      this.#client(this.#life, this.#prng.fork()).catch((error: unknown) => {
        this.#violation ??= error as Error;
      });
    }
  }

  async #client(life: number, prng: Prng): Promise<void> {
    while (life === this.#life && !this.#resting && this.world.fatal.length === 0) {
      await this.#sleep(prng.below(60));
      try {
        await this.#act(prng);
      } catch (error) {
        if (!this.#isExpected(error)) throw error;
      }
    }
  }

  async #act(prng: Prng): Promise<void> {
    const drawn = prng.below(100);
    if (drawn < 34) await this.#put(prng);
    else if (drawn < 48) await this.#copy(prng);
    else if (drawn < 63) await this.#share(prng);
    else if (drawn < 82) await this.#delete(prng);
    else await this.#read(prng);
  }

  #isExpected(error: unknown): boolean {
    for (const code of ["SPACE_RESERVED", "BLOBS_OVERLOADED", "BLOBS_FAILED", "BLOBS_CLOSED", "OUTCOME_UNKNOWN"]) {
      if (hasCode(error, code)) {
        this.counts.refused++;
        return true;
      }
    }
    if (error instanceof Error && error.message === "the client went away") return true;
    return hasCode(error, "SOURCE_LENGTH");
  }

  async #put(prng: Prng): Promise<void> {
    const length = prng.pick([
      2000 + prng.below(3000),
      2000 + prng.below(3000),
      4100 + prng.below(3000),
      4100 + prng.below(10_000),
      17_000 + prng.below(20_000),
      66_000 + prng.below(60_000),
    ]);
    const owner = `owner ${prng.below(OWNERS)}`;
    const bytes = this.world.bytes(length);
    const fate = prng.below(20);
    const sent = fate === 0 ? bytes.subarray(0, length - 1) : fate === 1 ? concat(bytes, 1) : bytes;
    const breaksAt = fate === 2 ? prng.below(length) : Number.POSITIVE_INFINITY;
    using appended = await this.world.blobs.append(utf8(owner), this.#source(sent, prng, breaksAt), length);
    this.#contents.remember(appended.refs, bytes);
    if (fate < 3) throw new Violation("a body of the wrong length was taken");
    if (prng.chance(0.1)) {
      this.counts.aborts++;
      return;
    }
    // Now and then longer than the age of orphans.
    if (prng.chance(0.05)) await this.#sleep(8000);
    const committed = await this.world.commitRow(owner, prng.pick(SUFFIXES), appended.refs);
    if (committed) this.counts.puts++;
    else this.counts.conflicts++;
    if (!committed || !this.#armed) return;
    this.#armed = false;
    this.world.machine.crash();
  }

  /** Names the needles of one row in another one of the same owner, after some thought. */
  async #copy(prng: Prng): Promise<void> {
    const owner = `owner ${prng.below(OWNERS)}`;
    const refs = await this.world.refs(owner, prng.pick(SUFFIXES));
    if (refs === undefined) return;
    await this.#sleep(prng.pick([0, prng.below(1000), prng.below(2000)]));
    if (await this.world.commitRow(owner, prng.pick(SUFFIXES), refs)) this.counts.copies++;
    else this.counts.conflicts++;
  }

  /** Names the needles of one row (which may be a copy itself) in one of another owner, if the row stays as it is. */
  async #share(prng: Prng): Promise<void> {
    const [source, target] = [prng.below(OWNERS), prng.below(OWNERS)];
    if (source === target) return;
    const pause = (): Promise<void> => this.#sleep(prng.pick([0, prng.below(100), prng.below(1000)]));
    const shared = await this.world.share(
      { owner: `owner ${source}`, suffix: prng.pick(SUFFIXES) },
      { owner: `owner ${target}`, suffix: prng.pick(SUFFIXES) },
      pause,
    );
    if (shared) this.counts.shares++;
    else this.counts.conflicts++;
  }

  async #delete(prng: Prng): Promise<void> {
    const owner = `owner ${prng.below(OWNERS)}`;
    const suffix = prng.pick(SUFFIXES);
    if ((await this.world.refs(owner, suffix)) === undefined) return;
    if (await this.world.commitRow(owner, suffix, undefined)) this.counts.deletes++;
  }

  /** A range, at a pace that may be slower than compaction and the removal of files. */
  async #read(prng: Prng): Promise<void> {
    const owner = `owner ${prng.below(OWNERS)}`;
    const suffix = prng.pick(SUFFIXES);
    const refs = await this.world.refs(owner, suffix);
    if (refs === undefined) return;
    const start = prng.chance(0.5) ? 0 : prng.below(lengthOf(refs));
    const end = prng.chance(0.5) ? lengthOf(refs) : start + prng.below(lengthOf(refs) - start + 1);
    const expected = this.#contents.of(refs).subarray(start, end);
    const pauseMillis = prng.pick([0, 0, 0, 100, 2000]);
    const breakOff = prng.chance(0.1);
    let at = 0;
    try {
      for await (const chunk of chunksOf(this.world.blobs.read(refs, start, end))) {
        if (!equalBytes(chunk, expected.subarray(at, at + chunk.length))) {
          throw new Violation(`wrong bytes were served for ${owner}/${suffix} at ${start + at}`);
        }
        at += chunk.length;
        if (breakOff) return;
        if (pauseMillis > 0) await this.#sleep(pauseMillis);
      }
    } catch (error) {
      if (this.#rotted > 0 && hasCode(error, "BLOB_DAMAGED")) return;
      // What a row has let go of may be gone.
      const now = await this.world.refs(owner, suffix);
      if (hasCode(error, "BLOB_MISSING") && JSON.stringify(now) !== JSON.stringify(refs)) return;
      throw error;
    }
    if (at !== expected.length) throw new Violation(`a read of ${owner}/${suffix} ended early`);
    this.counts.reads++;
  }

  #source(bytes: Uint8Array, prng: Prng, breaksAt: number): ByteSource {
    const slowly = prng.chance(0.2);
    let at = 0;
    return {
      read: async () => {
        if (slowly || prng.chance(0.05)) await this.#sleep(prng.below(30));
        if (at >= breaksAt) throw new Error("the client went away");
        if (at >= bytes.length) return null;
        const chunk = bytes.slice(at, at + 1 + prng.below(40_000));
        at += chunk.length;
        return chunk;
      },
      cancel() {},
    };
  }

  /** Needles that the small disk has too many of. */
  async #deleteSome(): Promise<void> {
    for (const row of this.world.rows.rowsOf(TABLES.object)) {
      if (this.#prng.chance(0.5)) continue;
      const { key, suffix } = row;
      await this.world
        .commitRow(new TextDecoder().decode(key), new TextDecoder().decode(suffix), undefined)
        .catch(() => {});
    }
  }

  async #checkRows(): Promise<void> {
    for (const row of this.world.rows.rowsOf(TABLES.object)) {
      const refs = refsOf(row);
      const name = `${new TextDecoder().decode(row.key)}/${new TextDecoder().decode(row.suffix)}`;
      let bytes: Uint8Array;
      try {
        bytes = await this.world.read(refs);
      } catch (error) {
        if (this.#rotted > 0 && hasCode(error, "BLOB_DAMAGED")) continue;
        throw new Violation(`the row ${name} can not be read`, { cause: error });
      }
      if (!equalBytes(bytes, this.#contents.of(refs))) throw new Violation(`the row ${name} reads wrong`);
    }
  }

  /** Garbage is gone but for the share that a volume may keep, and so are the rows about it. */
  async #checkSpace(): Promise<void> {
    const { blobs, rows, machine } = this.world;
    const status = blobs.status();
    if (status.needlesInFlight > 0) throw new Violation("needles are in flight that nobody has");
    if (status.memoryBytes > 0) throw new Violation("memory is held that no append uses");
    if (this.#rotted > 0) return;
    const live = new Set(rows.rowsOf(TABLES.object).flatMap((row) => refsOf(row).map(nameOf)));
    const files = await listVolumeFiles(machine.env.disk);
    for (const file of files) {
      const volume = status.volumes.find((one) => one.volume === file.volume && one.generation === file.generation);
      if (volume === undefined) throw new Violation(`the file ${file.name} belongs to no volume`);
      let liveBytes = 0;
      for await (const slot of inspectVolume(machine.env.disk, file)) {
        if (slot.kind !== "needle" || !live.has(nameOf({ volume: file.volume, needle: slot.header.needle }))) continue;
        liveBytes += slot.end - slot.position;
      }
      if (volume.state === "open") continue;
      if (volume.bytes > (liveBytes + 6 * 4096) / 0.69) {
        throw new Violation(`volume ${file.volume} keeps ${volume.bytes} bytes for ${liveBytes} live ones`);
      }
    }
    if (rows.rowsOf(TABLES.drop).length > 0) throw new Violation("drop rows are left");
    this.#checkShares();
    for (const { suffix, value } of rows.rowsOf(TABLES.dead)) {
      const mark = decodeMark(value);
      // Verdicts come until the end; what is younger than this may still be under way.
      if (machine.clock.now() - mark.timeMillis < SETTLED_MILLIS) continue;
      if (mark.state === "pending") throw new Violation("a mark is left pending");
      const name = needleOfSuffix(suffix)!;
      if (live.has(nameOf(name))) throw new Violation("a needle that a row names has a garbage mark");
      if (!status.volumes.some(({ volume }) => volume === name.volume)) {
        throw new Violation("a mark is left of a volume that is gone");
      }
    }
  }

  /** Rows that name another owner's needle and share rows belong together, one to one. */
  #checkShares(): void {
    const { rows } = this.world;
    const shares = new Set(rows.rowsOf(TABLES.share).map(({ key, suffix }) => `${text(key)}/${toHex(suffix)}`));
    const named = new Set<string>();
    for (const row of rows.rowsOf(TABLES.object)) {
      for (const { owner, ...ref } of refsOf(row)) {
        if (owner !== undefined) named.add(`${owner}/${toHex(shareAddress(utf8(owner), ref, row.key).suffix!)}`);
      }
    }
    if ([...named].some((name) => !shares.has(name))) throw new Violation("a copy has no share row");
    if ([...shares].some((name) => !named.has(name))) throw new Violation("a share row is left of what was a copy");
  }

  #checkEvents(): void {
    for (const event of this.world.events) {
      if (event.kind === "damage" && this.#rotted === 0)
        throw new Violation(`damage on a sound disk: ${JSON.stringify(event)}`);
      if (event.kind === "file-unknown") throw new Violation(`an unexplained file: ${event.name}`);
      if (event.kind === "task-failed" && event.error instanceof AssertionError) throw event.error;
    }
  }

  #sleep(millis: number): Promise<void> {
    const { timers } = this.world.machine.env;
    return new Promise((resolve) => timers.after(millis, resolve));
  }

  #throwViolation(): void {
    if (this.#violation !== undefined) throw this.#violation;
  }
}

function concat(bytes: Uint8Array, more: number): Uint8Array {
  const longer = new Uint8Array(bytes.length + more);
  longer.set(bytes);
  return longer;
}
