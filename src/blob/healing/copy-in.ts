import type { Disk, DiskFile } from "../../env/index.ts";
import { type IncomingCall, remoteCode } from "../../peer/index.ts";
import { EMPTY } from "../../std/bytes.ts";
import { ByteReader } from "../../std/reader.ts";
import { blobFailure } from "../errors.ts";
import type { BlobCounters } from "../events.ts";
import type { FileCache } from "../file-cache.ts";
import { FOLDER, identityOf, type VolumeIdentity, volumeFileName } from "../format.ts";
import { type Health, isDiskFull } from "../health.ts";
import type { Pacer } from "../pacer.ts";
import type { Registry, Volume } from "../registry.ts";
import type { Departures } from "../replicas/departures.ts";
import type { Neighbours } from "../replicas/neighbours.ts";
import type { RemoteFiles } from "../replicas/remote-files.ts";
import { PIECE_BYTES_MAX, readTarget, type Target, VOLUME_METHODS } from "../replicas/wire.ts";
import { removeIfThere } from "../retirement.ts";
import type { SpaceKeeper } from "../space-keeper.ts";
import { mendCopy } from "./mend.ts";

/** Read at the same time, and written with one write. */
const PIECES_AT_ONCE = 4;

export interface CopyInContext {
  readonly disk: Disk;
  readonly node: string;
  readonly registry: Registry;
  readonly neighbours: Neighbours;
  readonly remote: RemoteFiles;
  readonly departures: Departures;
  readonly files: FileCache;
  readonly space: SpaceKeeper;
  readonly health: Health;
  readonly counters: BlobCounters;
  readonly pacer: Pacer;
  readonly letGo: (volume: number) => Promise<void>;
}

interface Running {
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

/**
 * Brings whole files of sealed volumes to this node, because the node that is responsible for a volume asks it to: before
 * the row names this node among the members. One at a time of a volume: who asks again ends what was asked before, so that
 * nothing late is written over what came after it.
 */
export class CopyIn {
  readonly #context: CopyInContext;
  readonly #running = new Map<number, Running>();

  constructor(context: CopyInContext) {
    this.#context = context;
  }

  start(): void {
    const { neighbours, health } = this.#context;
    neighbours.handle(VOLUME_METHODS.fetch, async (call) => {
      health.check();
      await this.#asked(call);
      return { head: EMPTY };
    });
  }

  async close(): Promise<void> {
    const running = [...this.#running.values()];
    for (const { abort } of running) abort.abort(blobFailure("BLOBS_CLOSED"));
    await Promise.allSettled(running.map(({ done }) => done));
  }

  async #asked({ head, from, signal }: IncomingCall): Promise<void> {
    const reader = new ByteReader(head);
    const target = readTarget(reader);
    const length = reader.u64();
    const before = this.#running.get(target.volume);
    before?.abort.abort(refused(target));
    const abort = new AbortController();
    const done = (before?.done ?? Promise.resolve())
      .catch(() => {})
      .then(() => this.#fetch(target, length, from, AbortSignal.any([signal, abort.signal])));
    const running = { abort, done };
    this.#running.set(target.volume, running);
    try {
      await done;
    } finally {
      if (this.#running.get(target.volume) === running) this.#running.delete(target.volume);
    }
  }

  async #fetch(target: Target, length: number, from: number, signal: AbortSignal): Promise<void> {
    const { registry, departures, space, letGo } = this.#context;
    signal.throwIfAborted();
    const volume = await registry.refresh(target.volume);
    if (volume === undefined || !isWanted(volume, target, from)) throw refused(target);
    if (registry.holds(volume) && !volume.unsound) return;
    await departures.hold(target.volume);
    try {
      await space.take(length, "compaction");
      try {
        await letGo(target.volume);
        await this.#bring(volume, target, length, from, signal);
      } finally {
        space.settle(length);
      }
    } finally {
      departures.release(target.volume);
    }
  }

  async #bring(volume: Volume, target: Target, length: number, from: number, signal: AbortSignal): Promise<void> {
    const { disk, files, health } = this.#context;
    const identity = identityOf(target.volume, target.generation, volume.row.tag);
    const name = volumeFileName(target.volume, target.generation);
    files.forget(identity);
    await removeIfThere(disk, name);
    const file = await disk.open(name, "create");
    let isWhole = false;
    try {
      await this.#copy(file, identity, length, from, signal);
      await this.#mend(volume, file, identity, length);
      await file.sync().catch((error: unknown) => {
        throw health.fail(error);
      });
      isWhole = true;
    } catch (error) {
      throw isDiskFull(error) ? blobFailure("SPACE_RESERVED", { cause: error }) : error;
    } finally {
      await file.close();
      if (!isWhole && !health.stopping) await removeIfThere(disk, name).catch(() => {});
    }
    await disk.syncDirectory(FOLDER).catch((error: unknown) => {
      throw health.fail(error);
    });
  }

  async #copy(
    file: DiskFile,
    identity: VolumeIdentity,
    length: number,
    from: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { remote, pacer, counters, health } = this.#context;
    const source = remote.fileOn(from, identity);
    for (let position = 0; position < length; ) {
      health.check();
      signal.throwIfAborted();
      const end = Math.min(length, position + PIECES_AT_ONCE * PIECE_BYTES_MAX);
      await pacer.pace(end - position);
      const pieces: Promise<Uint8Array>[] = [];
      for (let at = position; at < end; at += PIECE_BYTES_MAX) {
        pieces.push(source.read(at, Math.min(PIECE_BYTES_MAX, end - at)).catch(unreadable));
      }
      const chunks = await Promise.all(pieces);
      const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
      // A copy that is shorter than the row says: what is missing there may be had elsewhere.
      await file.write(position, bytes === end - position ? chunks : [padded(chunks, end - position)]);
      counters.healedBytes += bytes;
      position = end;
    }
  }

  /** Damage is not copied where another copy is whole. */
  async #mend(volume: Volume, file: DiskFile, identity: VolumeIdentity, durable: number): Promise<void> {
    const { remote, health, counters } = this.#context;
    const sources = remote.copiesOf(volume);
    // The walk reads what has just been written: the rate was paid for already.
    const pace = async (): Promise<void> => health.check();
    const { repaired } = await mendCopy({ file, identity, durable, sources, pace });
    counters.mendedSlots += repaired;
  }
}

/** The one that is responsible, for the generation of a sealed volume that counts. */
function isWanted({ row }: Volume, { epoch, generation }: Target, from: number): boolean {
  return row.state === "sealed" && row.generation === generation && row.epoch === epoch && row.writer === String(from);
}

/** The caller's disk fails there: another copy may have it. */
function unreadable(error: unknown): Uint8Array {
  if (remoteCode(error) === "DISK_FAILED") return EMPTY;
  throw error;
}

function padded(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += PIECE_BYTES_MAX;
  }
  return bytes;
}

function refused({ volume, epoch }: Target): Error {
  return blobFailure("VOLUME_REFUSED", { data: { volume, epoch } });
}
