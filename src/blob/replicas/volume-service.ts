import type { Clock, Disk } from "../../env/index.ts";
import type { CallReply, IncomingCall } from "../../peer/index.ts";
import { EMPTY } from "../../std/bytes.ts";
import { crc32c } from "../../std/checksums/index.ts";
import { hasCode } from "../../std/errors.ts";
import { ByteReader } from "../../std/reader.ts";
import { blobFailure } from "../errors.ts";
import type { BlobCounters } from "../events.ts";
import type { FileCache } from "../file-cache.ts";
import { FOLDER, identityOf, SUPERBLOCK_BYTES, volumeFileName } from "../format.ts";
import { type Health, isDiskFull } from "../health.ts";
import type { BlobOptions } from "../options.ts";
import type { Registry, Volume } from "../registry.ts";
import { removeIfThere } from "../retirement.ts";
import type { BlobBugs } from "../seeded-bugs.ts";
import type { SpaceKeeper } from "../space-keeper.ts";
import { encodeSuperblock } from "../superblock.ts";
import { HostedVolume } from "./hosted-volume.ts";
import type { Neighbours } from "./neighbours.ts";
import {
  decodeCreation,
  encodeRun,
  encodeSpanChecksum,
  PIECE_BYTES_MAX,
  readTarget,
  type Target,
  VOLUME_METHODS,
} from "./wire.ts";

export interface VolumeServiceContext {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly node: string;
  readonly run: number;
  readonly registry: Registry;
  readonly neighbours: Neighbours;
  readonly files: FileCache;
  readonly space: SpaceKeeper;
  readonly health: Health;
  readonly options: BlobOptions;
  readonly counters: BlobCounters;
  /** A file was made, and a row that names it is to come. */
  readonly onCreated: (volume: number) => void;
  readonly bugs: BlobBugs;
}

/**
 * This node's copies of volumes that others write, and all of its copies for those who read. A write is taken only from
 * the writer that the volume's row names, with the row's epoch: what this node does not know it asks the Store for, and
 * what it knows to be over it refuses.
 */
export class VolumeService {
  readonly #context: VolumeServiceContext;
  readonly #hosted = new Map<number, Promise<HostedVolume>>();
  /** Ends when nothing of those that were let go is under way. */
  readonly #leaving = new Map<number, Promise<void>>();

  constructor(context: VolumeServiceContext) {
    this.#context = context;
  }

  /** From now on the other nodes are answered. */
  start(): void {
    const { neighbours, health } = this.#context;
    const handle = (method: number, answer: (call: IncomingCall) => Promise<Uint8Array>): void => {
      neighbours.handle(method, async (call): Promise<CallReply> => {
        health.check();
        return { head: await answer(call) };
      });
    };
    handle(VOLUME_METHODS.create, (call) => this.#create(call));
    handle(VOLUME_METHODS.attach, (call) => this.#attach(call));
    handle(VOLUME_METHODS.write, (call) => this.#write(call));
    handle(VOLUME_METHODS.sync, (call) => this.#sync(call));
    handle(VOLUME_METHODS.trim, (call) => this.#trim(call));
    handle(VOLUME_METHODS.checksum, (call) => this.#checksum(call));
    handle(VOLUME_METHODS.read, (call) => this.#read(call));
  }

  /** No writer on another node writes to this copy any more. */
  async letGo(volume: number): Promise<void> {
    const hosted = this.#hosted.get(volume);
    if (hosted !== undefined) {
      this.#hosted.delete(volume);
      const leaving = this.#leaving.get(volume);
      const left = hosted.then((one) => one.close()).catch(() => {});
      const all = Promise.all([leaving, left]).then(() => {
        if (this.#leaving.get(volume) === all) this.#leaving.delete(volume);
      });
      this.#leaving.set(volume, all);
    }
    await this.#leaving.get(volume);
  }

  async close(): Promise<void> {
    const volumes = new Set([...this.#hosted.keys(), ...this.#leaving.keys()]);
    await Promise.all([...volumes].map((volume) => this.letGo(volume)));
  }

  async #create({ head, from }: IncomingCall): Promise<Uint8Array> {
    const { registry, space, options, run, neighbours, onCreated } = this.#context;
    const creation = decodeCreation(head);
    const { volume: id, epoch } = creation;
    // Who may not have volumes any more, or has an id that is taken, comes late.
    if (neighbours.node(from)?.state === "removed" || (await registry.refresh(id)) !== undefined) {
      throw refused({ volume: id, generation: 1, epoch });
    }
    await space.check(Math.min(options.volumeStepBytes, options.volumeBytes));
    await this.letGo(id);
    const identity = identityOf(id, 1, creation.tag);
    const superblock = encodeSuperblock({ identity, kind: creation.kind, createdMillis: creation.createdMillis });
    const hosted = this.#makeFile(id, superblock, epoch);
    this.#hosted.set(id, hosted);
    hosted.catch(() => this.#hosted.delete(id));
    await hosted;
    onCreated(id);
    return encodeRun(run);
  }

  async #makeFile(id: number, superblock: Uint8Array, epoch: number): Promise<HostedVolume> {
    const { disk, options, health } = this.#context;
    const name = volumeFileName(id, 1);
    const fileBytes = Math.min(SUPERBLOCK_BYTES + options.volumeStepBytes, options.volumeBytes);
    await removeIfThere(disk, name);
    const file = await disk.open(name, "create");
    try {
      await file.write(0, [superblock]);
      await file.setLength(fileBytes);
      await file.sync();
      await disk.syncDirectory(FOLDER);
    } catch (error) {
      await file.close();
      await disk.remove(name).catch(() => {});
      throw isDiskFull(error) ? blobFailure("SPACE_RESERVED", { cause: error }) : health.fail(error);
    }
    return new HostedVolume(file, fileBytes, options, { epoch, takesAny: this.#takesAnyEpoch });
  }

  async #attach({ head, from }: IncomingCall): Promise<Uint8Array> {
    const target = readTarget(new ByteReader(head));
    // Each attempt at a next generation begins anew.
    if (target.generation > 1) await this.letGo(target.volume);
    await this.#enter(target, from);
    return encodeRun(this.#context.run);
  }

  async #write({ head, from }: IncomingCall): Promise<Uint8Array> {
    const { space } = this.#context;
    const reader = new ByteReader(head);
    const target = this.#targetOfRun(reader);
    const position = reader.u64();
    const bytes = reader.raw(reader.remaining);
    const hosted = await this.#enter(target, from);
    await space.take(bytes.length, target.generation > 1 ? "compaction" : "append");
    try {
      await hosted.write(target, position, bytes);
    } catch (error) {
      throw this.#failed(error);
    } finally {
      space.settle(bytes.length);
    }
    return EMPTY;
  }

  async #sync({ head, from }: IncomingCall): Promise<Uint8Array> {
    const target = this.#targetOfRun(new ByteReader(head));
    const hosted = await this.#enter(target, from);
    await hosted.sync(target).catch((error: unknown) => {
      throw this.#failed(error);
    });
    this.#context.health.checkWritable();
    return EMPTY;
  }

  async #trim({ head, from }: IncomingCall): Promise<Uint8Array> {
    const reader = new ByteReader(head);
    const target = this.#targetOfRun(reader);
    const length = reader.u64();
    const hosted = await this.#enter(target, from);
    try {
      await hosted.trim(target, length);
      if (target.generation > 1) await this.#context.disk.syncDirectory(FOLDER);
    } catch (error) {
      throw this.#failed(error);
    }
    this.#context.health.checkWritable();
    return EMPTY;
  }

  async #checksum({ head, from }: IncomingCall): Promise<Uint8Array> {
    const reader = new ByteReader(head);
    const target = readTarget(reader);
    const position = reader.u64();
    const length = Math.min(reader.varint(), PIECE_BYTES_MAX);
    const hosted = await this.#enter(target, from);
    const bytes = await hosted.file.read(position, length);
    return encodeSpanChecksum({ bytes: bytes.length, checksum: crc32c(bytes) });
  }

  async #read({ head }: IncomingCall): Promise<Uint8Array> {
    const { registry, files, counters } = this.#context;
    const reader = new ByteReader(head);
    const [id, generation] = [reader.varint(), reader.varint()];
    const position = reader.u64();
    const length = Math.min(reader.varint(), PIECE_BYTES_MAX);
    const volume = registry.get(id) ?? (await registry.refresh(id));
    if (volume === undefined || !registry.holds(volume)) throw blobFailure("BLOB_MISSING", { data: { volume: id } });
    try {
      using lease = await files.lease(identityOf(id, generation, volume.row.tag));
      const bytes = await lease.file.read(position, length);
      counters.servedBytes += bytes.length;
      return bytes;
    } catch (error) {
      if (!hasCode(error, "FILE_MISSING")) throw error;
      throw blobFailure("BLOB_MISSING", { data: { volume: id, generation } });
    }
  }

  /** Behind the target stands for which process of this node it was meant. */
  #targetOfRun(reader: ByteReader): Target {
    const target = readTarget(reader);
    if (reader.u32() !== this.#context.run) throw refused(target);
    return target;
  }

  /** The copy, in the hands of this writer. Rejects with VOLUME_REFUSED. */
  async #enter(target: Target, from: number): Promise<HostedVolume> {
    const { registry } = this.#context;
    if (!this.#isWriter(registry.get(target.volume), target, from)) await registry.refresh(target.volume);
    if (!this.#isWriter(registry.get(target.volume), target, from)) throw refused(target);
    let hosted = this.#hosted.get(target.volume);
    if (hosted === undefined) {
      hosted = this.#openFile(target);
      this.#hosted.set(target.volume, hosted);
      hosted.catch(() => this.#hosted.delete(target.volume));
    }
    const opened = await hosted;
    await opened.enter(target);
    // The row may have changed meanwhile: from here on nothing waits before the operation begins.
    if (!this.#isWriter(registry.get(target.volume), target, from)) throw refused(target);
    return opened;
  }

  async #openFile({ volume, generation, epoch }: Target): Promise<HostedVolume> {
    const { disk, options } = this.#context;
    const name = volumeFileName(volume, generation);
    if (generation > 1) {
      // One that is there is what an attempt before has left.
      await removeIfThere(disk, name);
      return new HostedVolume(await disk.open(name, "create"), 0, options, { epoch, takesAny: this.#takesAnyEpoch });
    }
    try {
      const file = await disk.open(name, "write");
      return new HostedVolume(file, await file.length(), options, { epoch, takesAny: this.#takesAnyEpoch });
    } catch (error) {
      if (!hasCode(error, "FILE_MISSING")) throw error;
      throw blobFailure("BLOB_MISSING", { data: { volume, generation } });
    }
  }

  #isWriter(volume: Volume | undefined, target: Target, from: number): boolean {
    if (volume === undefined || !this.#context.registry.holds(volume) || volume.unsound) return false;
    const { state, epoch, writer, generation } = volume.row;
    if (this.#takesAnyEpoch) return target.generation === generation;
    // A sealed volume's next generation is written before the row names it.
    if (state === "removed" || target.generation !== (state === "open" ? generation : generation + 1)) return false;
    return epoch === target.epoch && writer === String(from);
  }

  get #takesAnyEpoch(): boolean {
    return this.#context.bugs.has("take-any-epoch");
  }

  /** A full disk costs this copy, any other failure of the disk the node. */
  #failed(error: unknown): unknown {
    if (isDiskFull(error)) return blobFailure("SPACE_RESERVED", { cause: error });
    const isRefusal = hasCode(error, "VOLUME_REFUSED") || hasCode(error, "SPACE_RESERVED");
    return isRefusal ? error : this.#context.health.fail(error);
  }
}

function refused({ volume, epoch }: Target): Error {
  return blobFailure("VOLUME_REFUSED", { data: { volume, epoch } });
}
