import { createServer, type Server, type Socket } from "node:net";
import type { HostedGroup } from "../../../src/host/index.ts";
import type { KeyValues } from "./key-values.ts";
import { ABSENT, answer, Cutter, DONE, GET, LED, PUT, REFUSED, shortAnswer } from "./wire.ts";

export interface Served {
  readonly groups: readonly HostedGroup<undefined>[];
  readonly machines: readonly KeyValues[];
}

const OK = shortAnswer(DONE);
const NO = shortAnswer(REFUSED);
/** Answers of one client that wait for those before them; it is not read beyond that. */
const WAITING_MAX = 4096;

/** Where clients of a node connect (wire.ts). */
export function listenForClients(served: Served): Server {
  return createServer({ noDelay: true }, (socket) => new Client(socket, served));
}

/** One place among the answers of a client, for one request or for several that are answered together. */
interface Slot {
  readonly count: number;
  bytes: Uint8Array | undefined;
}

class Client {
  readonly #socket: Socket;
  readonly #served: Served;
  readonly #cutter = new Cutter();
  #slots: Slot[] = [];
  #waiting = 0;
  #isFlushPlanned = false;
  // Puts for one group that came in one chunk and stand next to each other.
  #commands: Uint8Array[] = [];
  #group = 0;

  constructor(socket: Socket, served: Served) {
    this.#socket = socket;
    this.#served = served;
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
  }

  #take(chunk: Buffer): void {
    try {
      for (const request of this.#cutter.cut(chunk)) this.#handle(request);
    } catch {
      this.#socket.destroy();
      return;
    }
    this.#propose();
    if (this.#waiting > WAITING_MAX) this.#socket.pause();
  }

  #handle(request: Buffer): void {
    const group = request.length >= 3 ? request.readUInt16BE(1) : 0;
    const body = request.subarray(3);
    if (request[0] !== PUT || group !== this.#group) this.#propose();
    if (request[0] === LED) this.#slot(1).bytes = this.#led();
    else if (this.#served.groups[group - 1] === undefined) this.#slot(1).bytes = NO;
    else if (request[0] === PUT && body.length > 0 && body.length > body[0]!) {
      this.#group = group;
      this.#commands.push(body);
    } else if (request[0] === GET) this.#get(group, body.toString("latin1"));
    else this.#slot(1).bytes = NO;
    this.#planFlush();
  }

  #led(): Uint8Array {
    const ids = this.#served.groups.flatMap(({ isLeader }, at) => (isLeader ? [at + 1] : []));
    return answer(DONE, [Buffer.from(ids.flatMap((id) => [id >> 8, id & 0xff]))]);
  }

  /** One call for all puts that have gathered. */
  #propose(): void {
    const commands = this.#commands;
    if (commands.length === 0) return;
    this.#commands = [];
    const slot = this.#slot(commands.length);
    void this.#served.groups[this.#group - 1]!.proposeAll(commands).then(
      () => this.#answer(slot, OK),
      () => this.#answer(slot, NO),
    );
  }

  #get(group: number, key: string): void {
    const slot = this.#slot(1);
    void this.#served.groups[group - 1]!.readBarrier().then(
      () => {
        const value = this.#served.machines[group - 1]!.get(key);
        this.#answer(slot, value === undefined ? shortAnswer(ABSENT) : answer(DONE, [value]));
      },
      () => this.#answer(slot, NO),
    );
  }

  #slot(count: number): Slot {
    const slot: Slot = { count, bytes: undefined };
    this.#slots.push(slot);
    this.#waiting += count;
    return slot;
  }

  #answer(slot: Slot, bytes: Uint8Array): void {
    slot.bytes = bytes;
    this.#planFlush();
  }

  #planFlush(): void {
    if (this.#isFlushPlanned) return;
    this.#isFlushPlanned = true;
    setImmediate(() => this.#flush());
  }

  /** What is answered, up to the first request that is not. */
  #flush(): void {
    this.#isFlushPlanned = false;
    const parts: Uint8Array[] = [];
    let passed = 0;
    for (const { bytes, count } of this.#slots) {
      if (bytes === undefined) break;
      for (let at = 0; at < count; at++) parts.push(bytes);
      this.#waiting -= count;
      passed++;
    }
    if (passed === 0) return;
    this.#slots = this.#slots.slice(passed);
    this.#socket.write(Buffer.concat(parts));
    if (this.#waiting <= WAITING_MAX) this.#socket.resume();
  }
}
