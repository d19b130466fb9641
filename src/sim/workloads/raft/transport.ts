import type { Transport, TransportHandlers } from "../../../host/index.ts";
import { EMPTY } from "../../../std/bytes.ts";
import { ByteReader } from "../../../std/reader.ts";
import { ByteWriter } from "../../../std/writer.ts";
import type { NodeContext } from "../../kernel/index.ts";

const DATA = 0;
const BROKEN = 1;

/** How far a connection from one node to this one has got. */
interface Inbound {
  readonly life: number;
  next: number;
}

/**
 * The host's transport over datagrams, which come late, twice or never: frames are numbered, so that each comes in order
 * and once. A gap is a broken connection, of which its sender is told, as TCP would tell it.
 *
 *     | kind u8 | life of the sender u32 | number u32 | frame |
 */
export class DatagramTransport implements Transport {
  readonly #context: NodeContext;
  readonly #life: number;
  readonly #writer = new ByteWriter(4096);
  readonly #sent = new Map<number, number>();
  readonly #received = new Map<number, Inbound>();
  #handlers: TransportHandlers | undefined;

  constructor(context: NodeContext) {
    this.#context = context;
    this.#life = context.env.random.u32();
  }

  async start(handlers: TransportHandlers): Promise<void> {
    this.#handlers = handlers;
    this.#context.receive((from, bytes) => this.#receive(from, bytes));
  }

  send(to: number, frame: Uint8Array): boolean {
    const number = this.#sent.get(to) ?? 0;
    this.#sent.set(to, number + 1);
    this.#context.send(to, this.#datagram(DATA, this.#life, number, frame));
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#handlers = undefined;
  }

  #receive(from: number, bytes: Uint8Array): void {
    const reader = new ByteReader(bytes);
    const kind = reader.u8();
    const life = reader.u32();
    const number = reader.u32();
    if (kind === BROKEN) {
      if (life === this.#life) this.#handlers?.unreachable(from);
      return;
    }
    let inbound = this.#received.get(from);
    if (inbound?.life !== life) {
      inbound = { life, next: number };
      this.#received.set(from, inbound);
    }
    if (number < inbound.next) return;
    if (number > inbound.next) this.#context.send(from, this.#datagram(BROKEN, life, number, EMPTY));
    inbound.next = number + 1;
    this.#handlers?.receive(from, reader.raw(reader.remaining));
  }

  #datagram(kind: number, life: number, number: number, frame: Uint8Array): Uint8Array {
    return this.#writer.reset().u8(kind).u32(life).u32(number).raw(frame).finish();
  }
}
