import { createHash } from "node:crypto";
import { type BlobBug, type BlobEvent, type Blobs, type LocalBlobs, openBlobs } from "../../../blob/index.ts";
import { SimMachine } from "../../../env/sim/index.ts";
import { hasCode } from "../../../std/errors.ts";
import { Prng } from "../../../std/prng.ts";
import { collect, sourceOf } from "../../../std/source.ts";
import { type Store, TABLES } from "../../../store/index.ts";
import { deterministicBytes } from "../../../testing/deterministic-bytes.ts";
import { MemoryRows, MemoryStore } from "../../../testing/memory-store.ts";
import { type Objects, objectReferences, openObjects } from "../index.ts";
import { MISTAKES, type Mistake } from "./mistakes.ts";

export interface SimulationOptions {
  readonly seed: number;
  readonly bugs?: readonly BlobBug[];
  readonly mistake?: Mistake;
  /** How many times the process ends during the run; left out, the seed decides. */
  readonly ends?: number;
}

const KIB = 1024;
const BUCKETS = ["plain", "versioned"];
const KEYS = ["a", "b", "c"];
const CLIENTS = 4;
const PHASE_MILLIS = 2500;
/** Until what nobody names is found, compacted and forgotten. */
const QUIET_MILLIS = 120_000;
/** What a request may come to under concurrency, faults and a process that ends. */
const EXPECTED = [
  ...["OBJECT_MISSING", "VERSION_MISSING", "IS_DELETE_MARKER", "UPLOAD_MISSING", "PART_INVALID", "CONFLICT"],
  ...["RANGE_INVALID", "COPY_TO_ITSELF", "BLOBS_OVERLOADED", "OUTCOME_UNKNOWN", "BLOBS_CLOSED"],
  // Of a copy whose source was deleted while its bytes were read.
  "BLOB_MISSING",
];

export class Violation extends Error {
  override readonly name = "Violation";
}

/**
 * The objects service over Blobs on a simulated machine: clients put, copy, upload, delete and read a few keys while the
 * collector and the compactor are at work and the process ends. Then all is quiet: what exists must read as its etags
 * say. At last everything is deleted, and nothing may be left of it.
 */
export class Simulation {
  readonly counts = { puts: 0, copies: 0, partCopies: 0, completed: 0, aborted: 0, deletes: 0, reads: 0, refused: 0 };
  readonly #options: SimulationOptions;
  readonly #prng: Prng;
  readonly #machine: SimMachine;
  readonly #rows: MemoryRows = new MemoryRows();
  readonly #events: BlobEvent[] = [];
  readonly #unknownChance: number;
  readonly #storeMillis: readonly [number, number];
  #objects!: Objects;
  #blobs!: LocalBlobs;
  #life = 0;
  #resting = false;
  #contents = 0;
  #violation: unknown;

  private constructor(options: SimulationOptions) {
    this.#options = options;
    this.#prng = new Prng(options.seed);
    this.#machine = new SimMachine({ seed: options.seed, disk: { delayMillis: [0.05, 0.3] } });
    this.#unknownChance = this.#prng.chance(0.3) ? 0.02 : 0;
    this.#storeMillis = this.#prng.chance(0.4) ? [5, 60] : [0.1, 2];
  }

  static async run(options: SimulationOptions): Promise<Simulation> {
    const simulation = new Simulation(options);
    await simulation.#run();
    return simulation;
  }

  get traceHash(): string {
    return this.#machine.scheduler.traceHash;
  }

  async #run(): Promise<void> {
    await this.#settle(this.#open());
    await this.#settle(this.#createBuckets());
    const ends = this.#options.ends ?? this.#prng.below(4);
    for (let end = 0; end <= ends; end++) {
      this.#life++;
      for (let client = 0; client < CLIENTS; client++) this.#start(this.#prng.fork());
      await this.#advance(PHASE_MILLIS * (0.5 + this.#prng.unit()));
      if (end < ends) await this.#end();
    }
    this.#resting = true;
    await this.#advance(QUIET_MILLIS);
    await this.#settle(this.#readAll());
    await this.#settle(this.#deleteAll());
    await this.#advance(QUIET_MILLIS);
    await this.#settle(this.#blobs.sealVolumes());
    await this.#advance(QUIET_MILLIS);
    this.#checkNothingLeft();
    await this.#settle(Promise.resolve(this.#objects[Symbol.asyncDispose]()));
    await this.#settle(Promise.resolve(this.#blobs[Symbol.asyncDispose]()));
  }

  async #open(): Promise<void> {
    const env = this.#machine.env;
    const faults = { timers: env.timers, prng: this.#prng.fork(), delayMillis: this.#storeMillis };
    const store: Store = new MemoryStore(this.#rows, { ...faults, unknownChance: this.#unknownChance });
    this.#blobs = await openBlobs({
      ...{ env, store, references: objectReferences(store), bugs: new Set(this.#options.bugs) },
      options: {
        ...{ volumeBytes: 512 * KIB, volumeStepBytes: 64 * KIB, needleBytesMax: 16 * KIB, extentBytes: 64 * KIB },
        ...{ streamBufferBytes: 32 * KIB, spaceReserveBytes: 0, spaceReservePercent: 0, readersGraceMillis: 200 },
        ...{
          collectAgeMillis: 20_000,
          collectIntervalMillis: 200,
          referenceMillisMax: 3000,
          compactIntervalMillis: 300,
        },
      },
      onEvent: (event) => this.#events.push(event),
      onFatal: (error) => this.#fail(error),
    });
    const mistake = this.#options.mistake && MISTAKES[this.#options.mistake];
    this.#objects = openObjects({
      ...env,
      store: mistake?.store?.(store, env.timers) ?? store,
      blobs: mistake?.blobs?.(this.#blobs satisfies Blobs) ?? this.#blobs,
      onError: (error) => this.#tolerate(error),
      cleaner: {
        ...{ readersGraceMillis: 200, completedKeepMillis: 500, orphanAgeMillis: 20_000, sweepEveryMillis: 1000 },
      },
    });
  }

  async #createBuckets(): Promise<void> {
    for (const bucket of BUCKETS) await this.#again(() => this.#objects.createBucket(bucket, "me"));
    await this.#again(() => this.#objects.setVersioning("versioned", "enabled"));
  }

  async #end(): Promise<void> {
    this.#life++;
    if (this.#prng.chance(0.5)) this.#machine.crash();
    else this.#machine.kill();
    this.#machine.restart();
    await this.#settle(this.#again(() => this.#open()));
    this.#throwViolation();
  }

  #start(prng: Prng): void {
    const life = this.#life;
    const run = async (): Promise<void> => {
      while (life === this.#life && !this.#resting) {
        await this.#sleep(prng.below(80));
        try {
          await this.#act(prng);
        } catch (error) {
          this.#tolerate(error);
        }
      }
    };
    run().catch((error: unknown) => this.#fail(error));
  }

  async #act(prng: Prng): Promise<void> {
    const drawn = prng.below(100);
    const name = this.#draw(prng);
    if (drawn < 22) await this.#put(prng, name);
    else if (drawn < 50) await this.#copy(prng, name);
    else if (drawn < 62) await this.#upload(prng, name);
    else if (drawn < 86) await this.#delete(prng, name);
    else if (drawn < 93) await this.#read(name, undefined);
    else await this.#copyTwice(prng, { ...name, bucket: "versioned" });
  }

  async #put(prng: Prng, name: Name): Promise<void> {
    const content = this.#content(prng);
    await this.#objects.put({ ...name, body: bodyOf(content), metadata: NO_METADATA });
    this.counts.puts++;
  }

  /** Also onto itself, and of an older version. */
  async #copy(prng: Prng, name: Name): Promise<void> {
    const source = await this.#pickSource(prng);
    const metadata = { user: new Map([["copy", String(this.counts.copies)]]) };
    const tags = prng.chance(0.3) ? new Map([["t", "1"]]) : undefined;
    const checksumAlgorithm = prng.chance(0.2) ? { checksumAlgorithm: "crc32c" as const } : {};
    await this.#objects.copy({ source, ...name, ...checksumAlgorithm, metadata, ...(tags && { tags }) });
    this.counts.copies++;
  }

  /** Two versions of one key name the same needles; then one of them goes, and mostly the source too. */
  async #copyTwice(prng: Prng, name: Name): Promise<void> {
    const source = await this.#pickSource(prng);
    const metadata = { user: new Map([["copy", "twice"]]) };
    const copies = [
      await this.#objects.copy({ source, ...name, metadata }),
      await this.#objects.copy({ source, ...name, metadata }),
    ];
    this.counts.copies += 2;
    await this.#sleep(prng.below(300));
    await this.#objects.delete({ ...name, versionId: prng.pick(copies).versionId });
    if (prng.chance(0.7)) await this.#objects.delete({ ...source, versionId: copies[0]!.sourceVersionId });
    this.counts.deletes++;
  }

  async #upload(prng: Prng, name: Name): Promise<void> {
    const { uploadId } = await this.#objects.createUpload({ ...name, owner: "me", metadata: NO_METADATA });
    let part = { etag: "" };
    for (let tries = prng.below(2); tries >= 0; tries--) {
      const source = await this.#pickSource(prng);
      const { info } = await this.#objects.stat(source);
      // On the boundary of a needle now and then.
      const end = prng.chance(0.4) ? Math.min(info.size, 64 * KIB * (1 + prng.below(4))) : info.size;
      if (info.size === 0 || (end < info.size && info.size <= 64 * KIB)) return;
      part = await this.#objects.copyPart({ ...name, uploadId, partNumber: 1, source, range: { start: 0, end } });
      this.counts.partCopies++;
      await this.#sleep(prng.pick([0, prng.below(1500)]));
    }
    if (prng.chance(0.3)) {
      await this.#objects.abortUpload({ ...name, uploadId });
      this.counts.aborted++;
    } else {
      await this.#objects.completeUpload({ ...name, uploadId, parts: [{ partNumber: 1, etag: part.etag }] });
      this.counts.completed++;
    }
  }

  async #delete(prng: Prng, name: Name): Promise<void> {
    const source = prng.chance(0.6) ? await this.#pickSource(prng) : name;
    await this.#objects.delete(source);
    this.counts.deletes++;
  }

  /** Bytes that are not what the etag says; or none, although the object is still the same. */
  async #read(name: Name, versionId: string | undefined): Promise<void> {
    const { info } = await this.#objects.stat({ ...name, versionId });
    try {
      const read = await this.#objects.get({ ...name, versionId: versionId ?? info.versionId });
      const bytes = await collect(read.body!, read.end);
      await this.#verify(name, read.info.versionId, read.info.etag, bytes!);
      this.counts.reads++;
    } catch (error) {
      if (error instanceof Violation) throw error;
      const now = await this.#objects.stat({ ...name, versionId: versionId ?? info.versionId });
      if (now.info.lastModifiedMillis !== info.lastModifiedMillis || now.info.etag !== info.etag) return;
      if (hasCode(error, "BLOB_MISSING") || hasCode(error, "BLOB_DAMAGED") || hasCode(error, "OBJECT_MISSING")) {
        throw new Violation(`${name.bucket}/${name.key} is there and can not be read`, { cause: error });
      }
      throw error;
    }
  }

  async #verify(name: Name, versionId: string | undefined, etag: string, bytes: Uint8Array): Promise<void> {
    if (etag.includes("-")) {
      const digest = createHash("md5").update(createHash("md5").update(bytes).digest()).digest("hex");
      if (`${digest}-1` === etag) return;
    } else if (createHash("md5").update(bytes).digest("hex") === etag) return;
    throw new Violation(`${name.bucket}/${name.key} ${versionId} reads wrong`);
  }

  async #readAll(): Promise<void> {
    this.#throwViolation();
    for (const { versionId, deleteMarker, ...name } of await this.#allVersions()) {
      if (deleteMarker) continue;
      await this.#again(() => this.#read(name, versionId));
    }
  }

  async #deleteAll(): Promise<void> {
    for (const { bucket, key, versionId } of await this.#allVersions()) {
      await this.#again(() => this.#objects.delete({ bucket, key, versionId }));
    }
  }

  #checkNothingLeft(): void {
    this.#throwViolation();
    // An upload whose request died stays open, with its parts, until its owner aborts it.
    const left = ["object", "version", "body", "manifest", "share", "drop", "dead"] as const;
    const isOpen = this.#rows.rowsOf(TABLES.part).length > 0;
    for (const table of left) {
      const rows = this.#rows.rowsOf(TABLES[table]);
      if (rows.length > 0 && !(isOpen && (table === "share" || table === "manifest" || table === "dead"))) {
        throw new Violation(`${rows.length} rows are left in the table ${table}`);
      }
    }
    // A volume that was opened ahead of time waits, empty, for what comes.
    const used = this.#blobs.status().volumes.filter(({ state, bytes }) => state !== "open" || bytes > 4 * KIB);
    if (!isOpen && used.length > 0) throw new Violation(`${used.length} volumes are left of nothing`);
    for (const event of this.#events) if (event.kind === "damage") throw new Violation("damage on a sound disk");
  }

  async #allVersions() {
    const all = [];
    for (const bucket of BUCKETS) {
      const request = { bucket, prefix: "", delimiter: "", keyMarker: "", versionIdMarker: undefined, limit: 1000 };
      const { items } = await this.#again(() => this.#objects.listVersions(request));
      for (const { key, versionId, deleteMarker } of items) all.push({ bucket, key, versionId, deleteMarker });
    }
    return all;
  }

  async #pickSource(prng: Prng): Promise<Name & { readonly versionId?: string | undefined }> {
    const name = this.#draw(prng);
    if (name.bucket === "plain" || prng.chance(0.5)) return name;
    const request = { bucket: name.bucket, prefix: name.key, delimiter: "", keyMarker: "", versionIdMarker: undefined };
    const { items } = await this.#objects.listVersions({ ...request, limit: 100 });
    return items.length === 0 ? name : { ...name, versionId: prng.pick(items).versionId };
  }

  #draw(prng: Prng): Name {
    return { bucket: prng.pick(BUCKETS), key: prng.pick(KEYS) };
  }

  #content(prng: Prng): Uint8Array {
    const length = prng.pick([
      ...[100, 4096, 5000 + prng.below(10_000), 5000 + prng.below(10_000), 64 * KIB * (1 + prng.below(4))],
      ...[70_000 + prng.below(200_000), prng.chance(0.3) ? 2_200_000 + prng.below(500_000) : 20_000],
    ]);
    return deterministicBytes(this.#options.seed * 10_000 + ++this.#contents, length);
  }

  /** In the quiet phases only lost replies stand in the way. */
  async #again<T>(run: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await run();
      } catch (error) {
        if (hasCode(error, "BUCKET_OWNED_BY_YOU")) return undefined as T;
        if (!hasCode(error, "OUTCOME_UNKNOWN")) throw error;
      }
    }
  }

  #tolerate(error: unknown): void {
    if (!EXPECTED.some((code) => hasCode(error, code))) throw this.#fail(error);
    this.counts.refused++;
  }

  #fail(error: unknown): unknown {
    this.#violation ??= error;
    return error;
  }

  #throwViolation(): void {
    if (this.#violation !== undefined) throw this.#violation;
  }

  #settle<T>(promise: Promise<T>): Promise<T> {
    return this.#machine.scheduler.settle(promise);
  }

  async #advance(millis: number): Promise<void> {
    await this.#machine.scheduler.run(this.#machine.scheduler.nowMillis + millis);
    this.#throwViolation();
  }

  #sleep(millis: number): Promise<void> {
    return new Promise((resolve) => this.#machine.env.timers.after(millis, resolve));
  }
}

interface Name {
  readonly bucket: string;
  readonly key: string;
}

const NO_METADATA = { user: new Map<string, string>() };

function bodyOf(content: Uint8Array) {
  return { source: sourceOf(content), length: content.length, expected: {} };
}
