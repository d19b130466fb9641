import type { DiskFile } from "../../env/index.ts";
import { crc32c } from "../../std/checksums/index.ts";
import type { Neighbours } from "./neighbours.ts";
import {
  type Creation,
  decodeRun,
  decodeSpanChecksum,
  encodeCreation,
  encodeRun,
  encodeWrite,
  PIECE_BYTES_MAX,
  type Target,
  targetWriter,
  VOLUME_METHODS,
} from "./wire.ts";

/** A copy of a volume on another node, in the hands of its writer. Whatever it rejects with, the copy may lack bytes. */
export class Member {
  readonly id: number;
  readonly target: Target;
  readonly #neighbours: Neighbours;
  /** Of the other process; what it had not synced does not outlive it. */
  readonly #run: number;

  private constructor(neighbours: Neighbours, id: number, target: Target, run: number) {
    this.#neighbours = neighbours;
    this.id = id;
    this.target = target;
    this.#run = run;
  }

  /** Has the node make the first generation's file, durable under its name: before the volume has a row. */
  static async create(neighbours: Neighbours, id: number, creation: Creation, signal: AbortSignal): Promise<Member> {
    const head = await neighbours.ask(id, VOLUME_METHODS.create, encodeCreation(creation), { signal });
    const { volume, epoch } = creation;
    return new Member(neighbours, id, { volume, generation: 1, epoch }, decodeRun(head));
  }

  /**
   * Takes over a copy that is there: of it, nothing behind what the row calls durable is known. Of the generation that
   * follows the row's it begins a new file.
   */
  static async attach(neighbours: Neighbours, id: number, target: Target, signal: AbortSignal): Promise<Member> {
    const head = await neighbours.ask(id, VOLUME_METHODS.attach, targetWriter(target).finish(), { signal });
    return new Member(neighbours, id, target, decodeRun(head));
  }

  get name(): string {
    return String(this.id);
  }

  /** Pieces of it go out one behind the other, without waiting for answers in between. */
  async write(position: number, chunks: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
    const asked: Promise<unknown>[] = [];
    for (const piece of piecesOf(position, chunks)) {
      const head = encodeWrite(this.target, this.#run, piece.position, piece.chunks);
      asked.push(this.#neighbours.ask(this.id, VOLUME_METHODS.write, head, { signal }));
    }
    await Promise.all(asked);
  }

  async sync(signal: AbortSignal): Promise<void> {
    const head = targetWriter(this.target).raw(encodeRun(this.#run)).finish();
    await this.#neighbours.ask(this.id, VOLUME_METHODS.sync, head, { signal });
  }

  /** Ends the file there; durable when this resolves. */
  async trim(length: number, signal: AbortSignal): Promise<void> {
    const head = targetWriter(this.target).raw(encodeRun(this.#run)).u64(length).finish();
    await this.#neighbours.ask(this.id, VOLUME_METHODS.trim, head, { signal });
  }

  /**
   * Brings the copy's bytes of a range to those of the file; only what differs is sent. Not durable yet. Returns how much
   * it was.
   */
  async equalize(
    file: DiskFile,
    { from, to }: { readonly from: number; readonly to: number },
    signalOf: () => AbortSignal,
    pace: (bytes: number) => Promise<void> = async () => {},
  ): Promise<number> {
    let sentBytes = 0;
    for (let position = from; position < to; position += PIECE_BYTES_MAX) {
      await pace(Math.min(PIECE_BYTES_MAX, to - position));
      const bytes = await file.read(position, Math.min(PIECE_BYTES_MAX, to - position));
      const head = targetWriter(this.target).u64(position).varint(bytes.length).finish();
      const signal = signalOf();
      const reply = await this.#neighbours.ask(this.id, VOLUME_METHODS.checksum, head, { signal });
      const there = decodeSpanChecksum(reply);
      if (there.bytes === bytes.length && there.checksum === crc32c(bytes)) continue;
      await this.write(position, [bytes], signal);
      sentBytes += bytes.length;
    }
    return sentBytes;
  }
}

interface Piece {
  readonly position: number;
  readonly chunks: readonly Uint8Array[];
}

function* piecesOf(position: number, chunks: readonly Uint8Array[]): Generator<Piece, void, void> {
  let at = position;
  let piece: Uint8Array[] = [];
  let bytes = 0;
  for (const chunk of chunks) {
    for (let from = 0; from < chunk.length; ) {
      const part = chunk.subarray(from, from + PIECE_BYTES_MAX - bytes);
      piece.push(part);
      bytes += part.length;
      from += part.length;
      if (bytes < PIECE_BYTES_MAX) continue;
      yield { position: at, chunks: piece };
      at += bytes;
      piece = [];
      bytes = 0;
    }
  }
  if (bytes > 0) yield { position: at, chunks: piece };
}
