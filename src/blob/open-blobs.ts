import type { Env } from "../env/index.ts";
import type { ByteSource } from "../std/source.ts";
import type { Check, Put, Store } from "../store/index.ts";
import { Appender } from "./appender.ts";
import type { BlobAppend, BlobRef, Blobs, References } from "./blobs.ts";
import { Collector } from "./collector.ts";
import { Compactor } from "./compactor.ts";
import { damageRecorder } from "./damage.ts";
import { blobFailure } from "./errors.ts";
import { type BlobCounters, type BlobEvent, zeroCounters } from "./events.ts";
import { Examiner } from "./examiner.ts";
import { ExtentWriter } from "./extent-writer.ts";
import { FileCache } from "./file-cache.ts";
import { FOLDER, SUPERBLOCK_BYTES } from "./format.ts";
import { healingParts } from "./healing/parts.ts";
import { Health } from "./health.ts";
import { InFlight } from "./in-flight.ts";
import { Liveness } from "./liveness.ts";
import { locate } from "./locator.ts";
import { MarksPass } from "./marks-pass.ts";
import { canShare, deadAddress, dropAddress, encodeDrop, encodeShare, shareAddress } from "./needle-rows.ts";
import { NeedleWriter } from "./needle-writer.ts";
import { OpenUpkeep } from "./open-upkeep.ts";
import type { OpenVolume } from "./open-volume.ts";
import { type BlobOptions, blobOptions } from "./options.ts";
import { Pacer } from "./pacer.ts";
import { BlobReader } from "./reader.ts";
import { Registry, type Volume } from "./registry.ts";
import { CAPACITY_MILLIS } from "./replicas/capacities.ts";
import type { BlobCluster } from "./replicas/neighbours.ts";
import { replicaParts } from "./replicas/parts.ts";
import { Takeover, type TakeoverContext } from "./replicas/takeover.ts";
import { Retirement } from "./retirement.ts";
import { RowEffects } from "./row-effects.ts";
import { Scrub } from "./scrub.ts";
import { type BlobBugs, NO_BUGS } from "./seeded-bugs.ts";
import { Sleeper } from "./sleeper.ts";
import { SpaceKeeper } from "./space-keeper.ts";
import { reopenVolume, settleFiles } from "./startup.ts";
import { type BlobStatus, type VolumeStatus, volumeStatus } from "./status.ts";
import { Sweeper } from "./sweeper.ts";
import { Tasks } from "./tasks.ts";
import { VolumeOpener } from "./volume-opener.ts";
import { VolumeSupply } from "./volume-supply.ts";

export interface BlobSettings {
  readonly env: Pick<Env, "clock" | "timers" | "random" | "disk">;
  readonly store: Store;
  readonly references: References;
  /** This node's name among the members of volumes; it never changes. */
  readonly node?: string;
  readonly options?: Partial<BlobOptions>;
  readonly onEvent?: (event: BlobEvent) => void;
  /** Called once: what the disk holds is not known any more, and the node must stop. */
  readonly onFatal: (error: Error) => void;
  /** The other nodes, where this one shares the Store with them. Its name is its number then. */
  readonly cluster?: BlobCluster;
  /** For tests of tests. */
  readonly bugs?: BlobBugs;
}

/** Blobs in volumes on this node's disk, and what an operator does with them. */
export interface LocalBlobs extends Blobs {
  readonly counters: Readonly<BlobCounters>;
  status(): BlobStatus;
  /**
   * The owner that stands in a needle's header: whose bytes it holds. Undefined where the header can not be read or the
   * volume is gone.
   */
  ownerOf(volume: number, needle: number): Promise<Uint8Array | undefined>;
  /** Reads all of one volume now, at the scrub's rate. Rejects with VOLUME_UNKNOWN. */
  verifyVolume(volume: number): Promise<VolumeStatus>;
  /** Compacts one sealed volume now, whatever its garbage. Rejects with VOLUME_UNKNOWN or VOLUME_NOT_COMPACTED. */
  compactVolume(volume: number): Promise<void>;
  /** Takes the open volumes out of use; they are sealed as soon as running appends are done with them. */
  sealVolumes(): Promise<void>;
  /** One turn of each background task now, the scrub among them. Rejects with the first failure. */
  maintain(): Promise<void>;
}

/**
 * Recovers what the last stop left, then starts the background work. Rejects with VOLUME_FORMAT_NEWER, or with what
 * disk and Store say.
 */
export async function openBlobs(settings: BlobSettings): Promise<LocalBlobs> {
  const parts = assemble(settings);
  const { disk, registry, space, supplies, files, effects, service, capacities, healing } = parts;
  try {
    await disk.makeDirectory(FOLDER);
    await registry.load();
    await settleFiles(parts);
    registry.onChange = (...change) => effects.changed(...change);
    for (const volume of registry.all()) {
      const { state, writer, members } = volume.row;
      // What has other copies is recovered as soon as they can be compared.
      const isSole = writer === parts.node && members.length === 1;
      if (state === "open" && isSole && !volume.unsound) await parts.reopen(volume);
    }
    await space.poll();
    if (service !== undefined) {
      service.start();
      capacities?.start();
      healing?.repair.start();
      healing?.copyIn.start();
      void registry.follow();
    }
  } catch (error) {
    await Promise.allSettled([supplies.needles.close(), supplies.extents.close(), files.close()]);
    throw error;
  }
  return new VolumeBlobs(parts);
}

/** Pause between two looks at open volumes, retired files and the scrub. */
const UPKEEP_MILLIS = 1000;
const LEDGER_MILLIS = 5000;

type Parts = ReturnType<typeof assemble>;

/** Every part, in the order of who needs whom. */
function assemble(settings: BlobSettings) {
  const { store, references, node = "1", cluster, bugs = NO_BUGS, onEvent = () => {} } = settings;
  const { clock, timers, random, disk } = settings.env;
  const options = blobOptions(settings.options);
  const counters = zeroCounters();
  const health = new Health(settings.onFatal);
  const sleeper = new Sleeper(timers);
  const registry = new Registry({ store, sleeper, health }, node);
  const onDamage = damageRecorder({ registry, counters, isShared: cluster !== undefined, onEvent });
  const files = new FileCache(disk, options.filesOpenMax);
  const inFlight = new InFlight();
  const space = new SpaceKeeper(disk, clock, options, counters, onEvent);
  const liveness = new Liveness({ store, references, bugs });
  const own = {
    ...{ clock, timers, random, disk, store, liveness, node, options, counters, health, sleeper, registry, onEvent },
    ...{ onDamage, files, inFlight, space, bugs, run: random.u32() },
  };
  const base = { ...own, ...replicaParts(own, cluster) };
  const opener = new VolumeOpener(base);
  const supplies = {
    needles: new VolumeSupply("needles", opener, health, options.volumeBytes),
    extents: new VolumeSupply("extents", opener, health, options.volumeBytes),
  };
  const needles = new NeedleWriter({ ...base, supply: supplies.needles });
  const extents = new ExtentWriter({ ...base, supply: supplies.extents });
  const appender = new Appender({ ...base, needles, extents });
  const retirement = new Retirement(base);
  const examiner = new Examiner(base);
  const marks = new MarksPass({ ...base, examiner });
  const openVolume = (id: number): OpenVolume | undefined => {
    return [...supplies.needles.all(), ...supplies.extents.all()].find((open) => open.id === id && !open.lost);
  };
  const upkeep = new OpenUpkeep({ ...base, supplies: [supplies.needles, supplies.extents] });
  const collector = new Collector({ ...base, examiner });
  const sweeper = new Sweeper({ ...base, examiner, openVolume });
  const healing = healingParts({ ...base, examiner });
  const reader = new BlobReader({ ...base, repair: healing?.repair, readSliceBytes: options.readSliceBytes });
  const compactor = new Compactor({
    ...{ ...base, examiner, healer: healing?.healer, pacer: new Pacer(clock, sleeper, options.compactBytesPerSecond) },
    onDropped: () => marks.request(options.referenceMillisMax),
  });
  const scrub = new Scrub({
    ...{ ...base, openVolume, pacer: new Pacer(clock, sleeper, Math.max(1, options.scrubBytesPerSecond)) },
    onTableDamage: (volume) => compactor.request(volume),
  });
  const reopen = async (volume: Volume): Promise<OpenVolume | undefined> => {
    const open = await reopenVolume({ ...base, examiner }, volume);
    if (open !== undefined) supplies[volume.row.kind].adopt(open);
    return open;
  };
  const takeover =
    base.neighbours && takeoverOf({ ...base, neighbours: base.neighbours, opener, openVolume, reopen, marks });
  const effects = new RowEffects({ ...base, examiner, retirement });
  const mender = healing?.menderAfter(scrub);
  const workers = {
    examiner,
    upkeep,
    collector,
    sweeper,
    marks,
    compactor,
    retirement,
    scrub,
    takeover,
    effects,
    healing,
    mender,
  };
  return { ...base, ...workers, supplies, needles, extents, appender, reader, openVolume, reopen };
}

class VolumeBlobs implements LocalBlobs {
  readonly #parts: Parts;
  readonly #tasks: Tasks;
  #closing: Promise<void> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { timers, options, onEvent, health } = parts;
    this.#tasks = new Tasks(timers, (task, error) => {
      if (!health.stopping) onEvent({ kind: "task-failed", task, error });
    });
    const { spacePollMillis, collectIntervalMillis, compactIntervalMillis } = options;
    this.#tasks.start({ name: "space", intervalMillis: spacePollMillis, run: () => parts.space.poll() });
    this.#tasks.start({ name: "upkeep", intervalMillis: UPKEEP_MILLIS, run: () => this.#upkeep() });
    this.#tasks.start({ name: "ledger", intervalMillis: LEDGER_MILLIS, run: () => this.#saveLedgers() });
    this.#tasks.start({ name: "collect", intervalMillis: collectIntervalMillis, run: () => this.#collect() });
    this.#tasks.start({ name: "compact", intervalMillis: compactIntervalMillis, run: () => parts.compactor.turn() });
    const { healing, mender, capacities } = parts;
    if (capacities !== undefined) {
      this.#tasks.start({ name: "capacities", intervalMillis: CAPACITY_MILLIS, run: () => capacities.turn() });
    }
    if (healing !== undefined && mender !== undefined) {
      this.#tasks.start({ name: "heal", intervalMillis: UPKEEP_MILLIS, run: () => healing.healer.turn() });
      this.#tasks.start({ name: "mend", intervalMillis: UPKEEP_MILLIS, run: () => mender.turn() });
    }
    if (options.scrubBytesPerSecond > 0) {
      this.#tasks.start({ name: "scrub", intervalMillis: UPKEEP_MILLIS, run: () => parts.scrub.turn() });
    }
  }

  get counters(): Readonly<BlobCounters> {
    return this.#parts.counters;
  }

  append(owner: Uint8Array, source: ByteSource, length: number): Promise<BlobAppend> {
    return this.#parts.appender.append(owner, source, length);
  }

  checkSpace(change: "addition" | "removal"): Promise<void> {
    return this.#parts.space.check(0, change === "addition" ? "append" : "removal");
  }

  read(refs: readonly BlobRef[], start: number, end: number): ByteSource {
    return this.#parts.reader.read(refs, start, end);
  }

  referenceChecks(owner: Uint8Array, refs: readonly BlobRef[]): readonly Check[] {
    return distinct(refs).map((ref) => ({ ...deadAddress(owner, ref), absent: true }));
  }

  shareRows(owner: Uint8Array, holder: Uint8Array, refs: readonly BlobRef[]): readonly Put[] | undefined {
    if (!canShare(owner, holder)) return undefined;
    const value = encodeShare(Math.max(0, Math.floor(this.#parts.clock.now())));
    return distinct(refs).map((ref) => ({ ...shareAddress(owner, ref, holder), value }));
  }

  dropRows(key: Uint8Array, refs: readonly BlobRef[]): readonly Put[] {
    const value = encodeDrop(Math.max(0, Math.floor(this.#parts.clock.now())));
    return distinct(refs).map((ref) => ({ ...dropAddress(key, ref), value }));
  }

  status(): BlobStatus {
    const { space, appender, inFlight, files, marks, registry, openVolume, options } = this.#parts;
    return {
      bytesFree: space.bytesFree,
      bytesTotal: space.bytesTotal,
      bytesReserved: space.bytesReserved,
      readersGraceMillis: options.readersGraceMillis,
      memoryBytes: appender.memoryBytes,
      appendsWaiting: appender.waiting,
      needlesInFlight: inFlight.size,
      filesOpen: files.size,
      safety: this.#parts.healing?.healer.safety(),
      healing: this.#parts.healing?.healer.running,
      garbageCounted: marks.counted,
      volumes: registry.all().map((volume) => volumeStatus(volume, openVolume(volume.id))),
    };
  }

  async ownerOf(id: number, needle: number): Promise<Uint8Array | undefined> {
    const { registry, files } = this.#parts;
    const volume = registry.get(id);
    const located = volume && (await locate(files, volume, needle));
    return typeof located === "object" ? located.owner : undefined;
  }

  async verifyVolume(id: number): Promise<VolumeStatus> {
    const volume = this.#volume(id);
    if (!this.#parts.registry.holds(volume)) {
      throw blobFailure("VOLUME_UNKNOWN", {
        what: `This node has no copy of the volume; these have: ${volume.row.members.join(", ")}.`,
        advice: "Ask one of those nodes.",
        data: { volume: id, members: volume.row.members },
      });
    }
    await this.#parts.scrub.verify(volume);
    return volumeStatus(volume, this.#parts.openVolume(id));
  }

  async compactVolume(id: number): Promise<void> {
    await this.#parts.compactor.compact(this.#volume(id));
  }

  async sealVolumes(): Promise<void> {
    for (const supply of Object.values(this.#parts.supplies)) {
      for (const open of supply.all()) if (open.tail > SUPERBLOCK_BYTES) supply.retire(open);
    }
    await this.#parts.upkeep.turn();
  }

  async maintain(): Promise<void> {
    await this.#tasks.turnAll();
  }

  /** Appends that run end as usual; then nothing is open any more. A clean stop leaves nothing to recover. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    const { health, appender, sleeper, needles, extents, reader, files, supplies } = this.#parts;
    const { registry, service, remote, healing, capacities } = this.#parts;
    appender.close();
    await appender.idle();
    health.close();
    sleeper.wakeAll();
    healing?.healer.close();
    capacities?.close();
    await healing?.copyIn.close();
    await healing?.repair.close();
    await this.#tasks.close();
    await Promise.all([needles.idle(), extents.idle()]);
    await reader.close();
    registry.close();
    await service?.close();
    try {
      if (!health.failed) await this.#record();
    } catch {
      // The next start reads what is not recorded.
    }
    await Promise.all([supplies.needles.close(), supplies.extents.close()]);
    await Promise.all([files.close(), remote?.close()]);
  }

  async #upkeep(): Promise<void> {
    const { upkeep, retirement, takeover, departures } = this.#parts;
    await takeover?.turn();
    await upkeep.turn();
    await retirement.turn();
    await departures?.turn();
  }

  async #saveLedgers(): Promise<void> {
    const { registry } = this.#parts;
    for (const volume of registry.all()) if (volume.ledgerChanged) await registry.saveLedger(volume);
  }

  async #record(): Promise<void> {
    const { supplies, upkeep } = this.#parts;
    for (const supply of Object.values(supplies)) {
      for (const open of supply.all()) if (!open.lost) await upkeep.record(open);
    }
    await this.#saveLedgers();
  }

  /** The garbage of earlier processes is counted first; a failed turn may have left marks pending. */
  async #collect(): Promise<void> {
    const { marks, collector, sweeper, options } = this.#parts;
    try {
      await marks.turn();
      await collector.turn();
      await sweeper.turn();
    } catch (error) {
      marks.request(options.collectIntervalMillis);
      throw error;
    }
  }

  #volume(id: number): Volume {
    const volume = this.#parts.registry.get(id);
    if (volume === undefined || volume.row.state === "removed") {
      throw blobFailure("VOLUME_UNKNOWN", { data: { volume: id } });
    }
    return volume;
  }
}

interface TakeoverParts extends Omit<TakeoverContext, "isInUse" | "onResponsible"> {
  readonly opener: VolumeOpener;
  readonly openVolume: (volume: number) => OpenVolume | undefined;
  readonly marks: MarksPass;
}

function takeoverOf({ opener, openVolume, marks, ...context }: TakeoverParts): Takeover {
  return new Takeover({
    ...context,
    isInUse: ({ id, row }) => opener.opening.has(id) || openVolume(id)?.epoch === row.epoch,
    onResponsible: () => marks.request(0),
  });
}

/** A commit writes a row once, and a body may name a needle twice. */
function distinct(refs: readonly BlobRef[]): BlobRef[] {
  if (refs.length < 2) return [...refs];
  return [...new Map(refs.map((ref) => [`${ref.volume}:${ref.needle}`, ref])).values()];
}
