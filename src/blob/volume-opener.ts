import type { Clock, Disk, DiskFile, Random } from "../env/index.ts";
import { hasCode } from "../std/errors.ts";
import { blobFailure } from "./errors.ts";
import type { BlobEvent } from "./events.ts";
import { FOLDER, identityOf, SUPERBLOCK_BYTES, TAG_BYTES, type VolumeKind, volumeFileName } from "./format.ts";
import { type Health, isDiskFull } from "./health.ts";
import { OpenVolume } from "./open-volume.ts";
import type { BlobOptions } from "./options.ts";
import type { Registry } from "./registry.ts";
import type { Replication } from "./replicas/replication.ts";
import { encodeSuperblock } from "./superblock.ts";
import type { VolumeRow } from "./volume-row.ts";

export interface OpenerContext {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly node: string;
  readonly registry: Registry;
  readonly health: Health;
  readonly options: BlobOptions;
  /** Undefined for a node that is alone. */
  readonly replication: Replication | undefined;
  readonly onEvent: (event: BlobEvent) => void;
}

/**
 * Makes new volumes, one at a time. Its files are on all disks under their name before the volume has a row, so a row
 * without a file means loss, and a file without a row is the remains of an opening.
 */
export class VolumeOpener {
  readonly #context: OpenerContext;
  #turn: Promise<unknown> = Promise.resolve();
  /** Volumes whose row is being made and that nobody appends to yet, and those of which it is not known. */
  readonly opening: Set<number> = new Set();

  constructor(context: OpenerContext) {
    this.#context = context;
  }

  open(kind: VolumeKind): Promise<OpenVolume> {
    const opened = this.#turn.then(() => this.#open(kind));
    this.#turn = opened.catch(() => {});
    return opened;
  }

  async #open(kind: VolumeKind): Promise<OpenVolume> {
    const { registry, clock, random, node, health, options, replication, onEvent } = this.#context;
    health.check();
    const id = await registry.reserveId();
    const createdMillis = Math.max(0, Math.floor(clock.now()));
    const tag = random.bytes(TAG_BYTES);
    const fileBytes = Math.min(SUPERBLOCK_BYTES + options.volumeStepBytes, options.volumeBytes);
    const superblock = encodeSuperblock({ identity: identityOf(id, 1, tag), kind, createdMillis });
    const file = await this.#createFile(id, superblock, fileBytes);
    const others = (await replication?.create({ volume: id, epoch: 1, tag, kind, createdMillis })) ?? [];
    const members = [node, ...others.map(({ name }) => name)];
    if (replication !== undefined && members.length < replication.copiesMin) {
      await this.#discard(file);
      throw blobFailure("REPLICAS_TOO_FEW", { data: { copies: members.length, copiesMin: replication.copiesMin } });
    }
    const row: VolumeRow = {
      ...{ state: "open", kind, generation: 1, epoch: 1, writer: node, members, tag },
      ...{ createdMillis, switchedMillis: createdMillis, durable: SUPERBLOCK_BYTES, gapBytes: 0 },
    };
    this.opening.add(id);
    const volume = await registry.create(id, row).catch(async (error: unknown) => {
      await file.close();
      throw error;
    });
    onEvent({ kind: "volume-opened", volume: id, volumeKind: kind });
    const replicas = replication?.replicasOf(volume, others);
    const state = { tail: SUPERBLOCK_BYTES, durable: SUPERBLOCK_BYTES, gapBytes: 0, fileBytes };
    return new OpenVolume(volume, file, state, { limits: options, health, replicas });
  }

  async #createFile(id: number, superblock: Uint8Array, fileBytes: number): Promise<DiskFile> {
    const { disk, health } = this.#context;
    const file = await this.#createEmpty(volumeFileName(id, 1));
    try {
      await file.write(0, [superblock]);
      await file.setLength(fileBytes);
    } catch (error) {
      await this.#discard(file).catch(() => {});
      throw isDiskFull(error) ? blobFailure("SPACE_RESERVED", { cause: error }) : health.fail(error);
    }
    try {
      await file.sync();
      await disk.syncDirectory(FOLDER);
    } catch (error) {
      await file.close().catch(() => {});
      throw health.fail(error);
    }
    return file;
  }

  /** No row names the id yet, so a file of that name is what an attempt before left over. */
  async #createEmpty(name: string): Promise<DiskFile> {
    const { disk } = this.#context;
    try {
      return await disk.open(name, "create");
    } catch (error) {
      if (isDiskFull(error)) throw blobFailure("SPACE_RESERVED", { cause: error });
      if (!hasCode(error, "FILE_EXISTS")) throw error;
    }
    await disk.remove(name);
    return await disk.open(name, "create");
  }

  async #discard(file: DiskFile): Promise<void> {
    await file.close();
    await this.#context.disk.remove(file.name);
  }
}
