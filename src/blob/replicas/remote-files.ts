import type { Disk, DiskFile, Timers } from "../../env/index.ts";
import { remoteCode } from "../../peer/index.ts";
import { assert } from "../../std/assert.ts";
import { blobFailure } from "../errors.ts";
import type { BlobCounters } from "../events.ts";
import { FileCache } from "../file-cache.ts";
import { FOLDER, parseVolumeFileName, type VolumeIdentity, volumeFileName } from "../format.ts";
import type { BlobOptions } from "../options.ts";
import type { Registry, Volume } from "../registry.ts";
import type { Neighbours } from "./neighbours.ts";
import { encodeRead, PIECE_BYTES_MAX, VOLUME_METHODS } from "./wire.ts";

export interface RemoteFilesContext {
  readonly timers: Timers;
  readonly node: string;
  readonly registry: Registry;
  readonly neighbours: Neighbours;
  readonly options: BlobOptions;
  readonly counters: BlobCounters;
}

/** Asks all nodes that have a copy, the nearest first, the next one where it is late or fails. */
export const ANY_NODE = 0;

/** Volume files on other nodes, for readers. What they return is as trustworthy as a disk: it is verified as that is. */
export class RemoteFiles {
  readonly #context: RemoteFilesContext;
  /** By the node that is asked: a table of needles that fails on one node may hold on another. */
  readonly #caches = new Map<number, FileCache>();

  constructor(context: RemoteFilesContext) {
    this.#context = context;
  }

  /** Who may be asked for a volume, one behind the other. */
  sourcesOf(volume: Volume): readonly FileCache[] {
    const nodes = this.#nodesOf(volume);
    if (nodes.length < 2) return nodes.map((node) => this.#cache(node));
    return [ANY_NODE, ...nodes].map((node) => this.#cache(node));
  }

  /** Each copy on another node that can be asked, for those who compare them. */
  copiesOf(volume: Volume): readonly DiskFile[] {
    const { neighbours } = this.#context;
    const nodes = this.#nodesOf(volume).filter((node) => neighbours.isConnected(node));
    return nodes.map((node) => this.fileOn(node, volume.identity));
  }

  /** One node's file of a volume, also of a generation that does not count yet. */
  fileOn(node: number, { volume, generation }: VolumeIdentity): DiskFile {
    return this.#file(volumeFileName(volume, generation), node);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#caches.values()].map((cache) => cache.close()));
  }

  #cache(node: number): FileCache {
    let cache = this.#caches.get(node);
    if (cache === undefined) {
      const disk: Pick<Disk, "open"> = { open: async (name) => this.#file(name, node) };
      cache = new FileCache(disk, this.#context.options.filesOpenMax, node);
      this.#caches.set(node, cache);
    }
    return cache;
  }

  #file(name: string, node: number): DiskFile {
    const { volume: id, generation } = parseVolumeFileName(name.slice(FOLDER.length + 1))!;
    const unfit = async (): Promise<never> => {
      assert(false, "a file on another node is only read");
    };
    return {
      name,
      read: (position, length, memory) => this.#read({ id, generation, node, position, length }, memory),
      length: async () => this.#context.registry.get(id)?.row.durable ?? 0,
      close: async () => {},
      ...{ write: unfit, sync: unfit, setLength: unfit },
    };
  }

  /** In pieces, one behind the other: the consumer asks for slices, and reads one of them ahead. */
  async #read(wanted: RemoteRead, memory: Uint8Array | undefined): Promise<Uint8Array> {
    const { position, length } = wanted;
    const result = memory === undefined ? new Uint8Array(length) : memory.subarray(0, length);
    let at = 0;
    while (at < length) {
      const piece = { ...wanted, position: position + at, length: Math.min(length - at, PIECE_BYTES_MAX) };
      const bytes = await this.#readPiece(piece);
      result.set(bytes, at);
      at += bytes.length;
      if (bytes.length < piece.length) break;
    }
    this.#context.counters.remoteReadBytes += at;
    return result.subarray(0, at);
  }

  /** The first answer counts; each question waits only for the hedge delay before the next node is asked too. */
  async #readPiece({ id, generation, node, position, length }: RemoteRead): Promise<Uint8Array> {
    const { registry, neighbours, options, timers, counters } = this.#context;
    const volume = registry.get(id);
    if (volume === undefined) throw blobFailure("BLOB_MISSING", { data: { volume: id } });
    const nodes = node === ANY_NODE ? this.#nodesOf(volume) : [node];
    if (nodes.length === 0) throw blobFailure("REPLICAS_UNREACHABLE", { data: { volume: id } });
    const head = encodeRead(id, generation, { position, length });
    const over = new AbortController();
    const timer = timers.after(options.remoteReadMillisMax, () => {
      over.abort(blobFailure("REPLICAS_UNREACHABLE", { data: { volume: id } }));
    });
    const failures: unknown[] = [];
    const answer = Promise.withResolvers<Uint8Array>();
    let asked = 0;
    const askNext = (): void => {
      const next = nodes[asked++];
      if (next === undefined) return;
      const hedge = timers.after(options.hedgeMillis, () => {
        if (asked < nodes.length && !over.signal.aborted) counters.hedgedReads++;
        askNext();
      });
      neighbours
        .askOnce(next, VOLUME_METHODS.read, head, { signal: over.signal })
        .then(answer.resolve, (error: unknown) => {
          failures.push(error);
          if (failures.length === nodes.length) answer.reject(error);
          else if (failures.length === asked) askNext();
        })
        .finally(() => hedge.cancel());
    };
    askNext();
    try {
      return await answer.promise;
    } catch (cause) {
      throw failures.some((error) => remoteCode(error) !== "BLOB_MISSING")
        ? blobFailure("REPLICAS_UNREACHABLE", { data: { volume: id }, cause })
        : blobFailure("BLOB_MISSING", { data: { volume: id, generation }, cause });
    } finally {
      timer.cancel();
      // Those who are asked and late are told.
      over.abort(blobFailure("BLOB_MISSING"));
    }
  }

  /** Reachable ones first, of them those in this node's zone. */
  #nodesOf({ row }: Volume): readonly number[] {
    const { node, neighbours } = this.#context;
    const zone = neighbours.node(Number(node))?.zone ?? "";
    const rank = (id: number): number => {
      const isNear = zone !== "" && neighbours.node(id)?.zone === zone;
      return (neighbours.isConnected(id) ? 0 : 2) + (isNear ? 0 : 1);
    };
    const others = row.members.filter((name) => name !== node && !neighbours.isRemoved(name)).map(Number);
    return others.sort((left, right) => rank(left) - rank(right));
  }
}

interface RemoteRead {
  readonly id: number;
  readonly generation: number;
  /** Or ANY_NODE. */
  readonly node: number;
  readonly position: number;
  readonly length: number;
}
