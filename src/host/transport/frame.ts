import {
  decodeMessage,
  isLocalType,
  isStorageThread,
  type Message,
  MessageType,
  newMessage,
  writeMessage,
} from "../../core/raft/index.ts";
import { hasCode } from "../../std/errors.ts";
import { ByteReader, MalformedBytes } from "../../std/reader.ts";
import { ByteWriter } from "../../std/writer.ts";
import { hostFailure } from "../errors.ts";
import type { BatchName } from "../requests/entry.ts";

// What one node tells another in one turn, for all of their groups:
//
//   version u8 | life | number | parts
//
//   message     1 | group | the core's message, behind its length in 4 bytes
//   heartbeat   2 | group | from | to | term | commit           what most heartbeats say, in a quarter of the bytes
//   echo        3 | group | from | to | term                    its answer
//   request     4 | group | index | term | offset               the next piece of a snapshot, please
//   piece       5 | group | index | term | offset | length of the whole | bytes; without bytes: there is no such snapshot
//   founding    6 | group | what the sender holds of a group that founders meet for | the life that it tells this to, 0 for any
//   refusal     7 | group | life | sequence                    nobody took this batch of proposals: it is in no log
//   unsafe      8 | group | life | number | why                nobody took this change of membership: it is in no log
//
// Numbers are varints. `life` is drawn by the sender at its start, `number` counts its frames to this node: a frame
// that comes twice, or behind a later one, is passed over whole.

const VERSION = 1;
const MESSAGE = 1;
const HEARTBEAT = 2;
const ECHO = 3;
const REQUEST = 4;
const PIECE = 5;
const FOUNDING = 6;
const REFUSAL = 7;
const UNSAFE = 8;
const LONG_BYTES = 16 * 1024;

export interface SnapshotRequest {
  readonly group: number;
  readonly index: number;
  readonly term: number;
  readonly offset: number;
}

export interface SnapshotPiece extends SnapshotRequest {
  readonly bytesTotal: number;
  readonly bytes: Uint8Array;
}

/** A change of membership that its proposer's leader did not make, and why. */
export interface UnsafeChange {
  readonly life: number;
  readonly number: number;
  readonly why: string;
}

/** Nothing of the group; its foundation and not a vote more; something that others may count on. */
export type Holding = "nothing" | "foundation" | "something";
const HOLDINGS: readonly Holding[] = ["nothing", "foundation", "something"];

export interface FrameHandler {
  message(group: number, message: Message): void;
  request(request: SnapshotRequest): void;
  piece(piece: SnapshotPiece): void;
  founding(group: number, holding: Holding, toLife: number): void;
  refusal(group: number, batch: BatchName): void;
  unsafe(group: number, refused: UnsafeChange): void;
}

export class FrameWriter {
  readonly #writer: ByteWriter = new ByteWriter(4096);
  #head = 0;

  begin(life: number, number: number): void {
    this.#writer.reset().u8(VERSION).varint(life).varint(number);
    this.#head = this.#writer.length;
  }

  get bytes(): number {
    return this.#writer.length;
  }

  get isEmpty(): boolean {
    return this.#writer.length === this.#head;
  }

  message(group: number, message: Message): void {
    const { type, context, incarnation } = message;
    const isPlain = context.length === 0 && incarnation === 0;
    if (isPlain && type === MessageType.heartbeat) {
      this.#writer.u8(HEARTBEAT).varint(group).varint(message.from).varint(message.to);
      this.#writer.varint(message.term).varint(message.commit);
    } else if (isPlain && type === MessageType.heartbeatResponse && !message.reject) {
      this.#writer.u8(ECHO).varint(group).varint(message.from).varint(message.to).varint(message.term);
    } else {
      this.#writer.u8(MESSAGE).varint(group).u32(0);
      const start = this.#writer.length;
      writeMessage(this.#writer, message);
      this.#writer.setU32(start - 4, this.#writer.length - start);
    }
  }

  request({ group, index, term, offset }: SnapshotRequest): void {
    this.#writer.u8(REQUEST).varint(group).varint(index).varint(term).varint(offset);
  }

  piece({ group, index, term, offset, bytesTotal, bytes }: SnapshotPiece): void {
    this.#writer.u8(PIECE).varint(group).varint(index).varint(term).varint(offset).varint(bytesTotal).blob(bytes);
  }

  founding(group: number, holding: Holding, toLife: number): void {
    const code = HOLDINGS.indexOf(holding) + 1;
    this.#writer.u8(FOUNDING).varint(group).u8(code).varint(toLife);
  }

  refusal(group: number, { life, sequence }: BatchName): void {
    this.#writer.u8(REFUSAL).varint(group).varint(life).varint(sequence);
  }

  unsafe(group: number, { life, number, why }: UnsafeChange): void {
    this.#writer.u8(UNSAFE).varint(group).varint(life).varint(number).string(why);
  }

  /** A frame of its own; the writer can begin the next one. A long one takes the writer's memory with it instead of a copy. */
  finish(): Uint8Array {
    const { length } = this.#writer;
    if (length < LONG_BYTES) return this.#writer.finish();
    const frame = this.#writer.end();
    this.#writer.reserve(length + length / 4);
    return frame;
  }
}

export interface FrameHead {
  readonly life: number;
  readonly number: number;
}

/** Whether a node can have sent the message: for others it speaks only where it passes on what they ask a leader for. */
export function mayCome({ type, from, entries }: Message, sender: number): boolean {
  if (isStorageThread(from) || isLocalType(type)) return false;
  switch (type) {
    case MessageType.propose:
    case MessageType.transferLeader:
      return true;
    case MessageType.readIndex:
      return entries.length === 1;
    default:
      return from === sender;
  }
}

/** Hands out the parts in order, unless `accepts` says no. Throws FRAME_MALFORMED, perhaps behind some parts. */
export function readFrame(bytes: Uint8Array, accepts: (head: FrameHead) => boolean, handler: FrameHandler): void {
  const reader = new ByteReader(bytes);
  try {
    const version = reader.u8();
    if (version !== VERSION) throw hostFailure("FRAME_MALFORMED", { data: { version } });
    if (!accepts({ life: reader.varint(), number: reader.varint() })) return;
    while (reader.remaining > 0) readPart(reader, handler);
  } catch (cause) {
    if (cause instanceof MalformedBytes || hasCode(cause, "MALFORMED")) throw hostFailure("FRAME_MALFORMED", { cause });
    throw cause;
  }
}

function readPart(reader: ByteReader, handler: FrameHandler): void {
  const kind = reader.u8();
  const group = reader.varint();
  switch (kind) {
    case MESSAGE:
      handler.message(group, decodeMessage(reader.raw(reader.u32())));
      return;
    case HEARTBEAT: {
      const message = readPlain(reader, MessageType.heartbeat);
      message.commit = reader.varint();
      handler.message(group, message);
      return;
    }
    case ECHO:
      handler.message(group, readPlain(reader, MessageType.heartbeatResponse));
      return;
    case REQUEST:
      handler.request({ group, index: reader.varint(), term: reader.varint(), offset: reader.varint() });
      return;
    case PIECE: {
      const [index, term, offset, bytesTotal] = [reader.varint(), reader.varint(), reader.varint(), reader.varint()];
      handler.piece({ group, index, term, offset, bytesTotal, bytes: reader.blob() });
      return;
    }
    case FOUNDING: {
      const holding = HOLDINGS[reader.u8() - 1];
      if (holding === undefined) throw new MalformedBytes("an unknown holding");
      handler.founding(group, holding, reader.varint());
      return;
    }
    case REFUSAL:
      handler.refusal(group, { life: reader.varint(), sequence: reader.varint() });
      return;
    case UNSAFE:
      handler.unsafe(group, { life: reader.varint(), number: reader.varint(), why: reader.string() });
      return;
    default:
      throw new MalformedBytes("an unknown part of a frame");
  }
}

function readPlain(reader: ByteReader, type: MessageType): Message {
  const from = reader.varint();
  const message = newMessage(type, reader.varint());
  message.from = from;
  message.term = reader.varint();
  return message;
}
