// The client of three servers: connections that each keep a window of puts in flight. As a client library would, it asks
// every node which groups it leads, and goes there.

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { VERSION } from "../../../src/server/version.ts";
import { readFlags } from "./flags.ts";
import { Meter, Starts } from "./meter.ts";
import { Cutter, DONE, requestGet, requestLed, writePut } from "./wire.ts";

const KEYS_OF_CONNECTION_LANE = 16;
const LEADERS_MILLIS_MAX = 60_000;

class Connection {
  readonly #socket: Socket;
  readonly #put: { readonly group: number; readonly high: number; readonly value: Buffer };
  readonly #window: number;
  readonly #meter: Meter;
  readonly #cutter = new Cutter();
  readonly #starts: Starts;
  #low = 0;
  #check: PromiseWithResolvers<void> | undefined;

  constructor(
    socket: Socket,
    place: { number: number; group: number },
    load: { bytes: number; window: number },
    meter: Meter,
  ) {
    this.#socket = socket;
    this.#put = { group: place.group, high: place.number, value: randomBytes(load.bytes) };
    this.#window = load.window;
    this.#meter = meter;
    this.#starts = new Starts(load.window);
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
  }

  get isIdle(): boolean {
    return this.#starts.count === 0;
  }

  start(): void {
    this.#send(this.#window);
  }

  /** Rejects unless what was put last is found. Once, when nothing is in flight. */
  check(): Promise<void> {
    const { group, high } = this.#put;
    this.#check = Promise.withResolvers();
    this.#socket.write(requestGet(group, high, this.#low));
    return this.#check.promise;
  }

  #take(chunk: Buffer): void {
    const nowMillis = performance.now();
    let ended = 0;
    for (const answer of this.#cutter.cut(chunk)) {
      if (answer[0] !== DONE) throw new Error(`a request was answered with ${answer[0]}`);
      if (this.#check !== undefined) {
        if (this.#put.value.equals(answer.subarray(1))) this.#check.resolve();
        else this.#check.reject(new Error("what was put is not what was found"));
        return;
      }
      this.#meter.record(this.#starts.shift(), nowMillis);
      ended++;
    }
    if (ended > 0 && !this.#meter.isOver) this.#send(ended);
  }

  /** So many puts in one write. */
  #send(count: number): void {
    const nowMillis = performance.now();
    const memory = Buffer.allocUnsafe(count * (16 + this.#put.value.length));
    let at = 0;
    for (let each = 0; each < count; each++) {
      this.#low = (this.#low + 1) % (this.#window * KEYS_OF_CONNECTION_LANE);
      at = writePut(memory, at, { ...this.#put, low: this.#low });
      this.#starts.push(nowMillis);
    }
    this.#socket.write(memory);
  }
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  await once(socket, "connect");
  return socket;
}

/** Client ports of the nodes that lead the groups, by group. */
async function portsOfLeaders(ports: readonly number[], groups: number): Promise<Map<number, number>> {
  for (const latest = performance.now() + LEADERS_MILLIS_MAX; ; await sleep(50)) {
    const found = new Map<number, number>();
    for (const port of ports) {
      const socket = await open(port);
      socket.write(requestLed());
      const [chunk] = (await once(socket, "data")) as [Buffer];
      for (const message of new Cutter().cut(chunk)) {
        for (let at = 1; at < message.length; at += 2) found.set(message.readUInt16BE(at), port);
      }
      socket.destroy();
    }
    if (found.size === groups) return found;
    if (performance.now() > latest) throw new Error(`only ${found.size} groups of ${groups} have a leader`);
  }
}

const { groups, bytes, window, times, endpoints, connections: count } = readFlags();
const leaders = await portsOfLeaders(endpoints, groups);
const meter = new Meter();
const connections: Connection[] = [];
for (let number = 0; number < count; number++) {
  const group = (number % groups) + 1;
  const socket = await open(leaders.get(group)!);
  socket.once("close", () => {
    if (!meter.isOver) throw new Error("a server closed a connection");
  });
  connections.push(new Connection(socket, { number, group }, { bytes, window }, meter));
}
for (const connection of connections) connection.start();
const measured = await meter.run(times);
while (!connections.every(({ isIdle }) => isIdle)) await sleep(5);
for (const connection of connections) await connection.check();
process.stdout.write(`${JSON.stringify({ version: VERSION, ...measured })}\n`, () => process.exit());
