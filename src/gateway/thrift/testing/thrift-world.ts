import { equal } from "node:assert/strict";
import {
  APPLICATION_EXCEPTIONS,
  decodeMessage,
  encodeFrame,
  fieldOf,
  ThriftFrameParser,
  type ThriftMessage,
} from "../../../codec/thrift/index.ts";
import type { Connection } from "../../../env/index.ts";
import { createSimEnv, SimLinks, type SimMachine, SimNetwork, SimScheduler } from "../../../env/sim/index.ts";
import { type Ids, openIds } from "../../../service/ids/index.ts";
import { concatBytes, text, utf8 } from "../../../std/bytes.ts";
import { Prng } from "../../../std/prng.ts";
import { MemoryRows, MemoryStore } from "../../../testing/memory-store.ts";
import { openThriftGateway, type ThriftGateway, type ThriftOptions } from "../index.ts";

const LIMITS = { stringBytesMax: 100_000, depthMax: 16 };
const SERVER = "server";

/** A gateway over a real ids service and a Store in memory, on a simulated network, in virtual time. */
export class ThriftWorld {
  readonly scheduler: SimScheduler;
  readonly machine: SimMachine;
  readonly ids: Ids;
  readonly gateway: ThriftGateway;
  readonly unexpected: unknown[];
  readonly #network: SimNetwork;
  #clients = 0;

  static async start(
    options: Partial<ThriftOptions> = {},
    given: { readonly ids?: Pick<Ids, "next"> } = {},
  ): Promise<ThriftWorld> {
    const scheduler = new SimScheduler();
    const network = new SimNetwork(scheduler, new SimLinks(new Prng(1)), new Prng(2));
    const clock = { epochMillis: Date.UTC(2026, 10, 22) };
    const machine = createSimEnv({ seed: 1, scheduler, network, label: SERVER, clock });
    const ids = openIds({ store: new MemoryStore(new MemoryRows()), env: machine.env, node: "node" });
    const unexpected: unknown[] = [];
    const gateway = openThriftGateway({
      ...{ env: machine.env, ids: given.ids ?? ids, onUnexpected: (error: unknown) => void unexpected.push(error) },
      options: { host: SERVER, port: 0, connectionsMax: 100, idleMillisMax: 60_000, drainMillis: 10_000, ...options },
    });
    const running = await scheduler.settle(gateway);
    return new ThriftWorld({ scheduler, network, machine, ids, gateway: running, unexpected });
  }

  private constructor(
    parts: Pick<ThriftWorld, "scheduler" | "machine" | "ids" | "gateway" | "unexpected"> & { network: SimNetwork },
  ) {
    this.scheduler = parts.scheduler;
    this.machine = parts.machine;
    this.ids = parts.ids;
    this.gateway = parts.gateway;
    this.unexpected = parts.unexpected;
    this.#network = parts.network;
  }

  async client(): Promise<TestClient> {
    const label = `client-${++this.#clients}`;
    const machine = createSimEnv({ seed: this.#clients, scheduler: this.scheduler, network: this.#network, label });
    const connecting = machine.env.network.connect({ host: SERVER, port: this.gateway.port, timeoutMillis: 1_000 });
    return new TestClient(this, await this.scheduler.settle(connecting));
  }

  async run(millis: number): Promise<void> {
    await this.scheduler.run(this.scheduler.nowMillis + millis);
  }

  async close(): Promise<void> {
    await this.scheduler.settle(this.gateway[Symbol.asyncDispose]());
    await this.scheduler.settle(this.ids[Symbol.asyncDispose]());
  }
}

/** Speaks in frames, or in whatever bytes a test sends. */
export class TestClient {
  readonly connection: Connection;
  readonly replies: ThriftMessage[] = [];
  isEnded = false;
  isClosed = false;
  #received: Uint8Array[] = [];
  readonly #world: ThriftWorld;
  readonly #parser = new ThriftFrameParser(2 ** 30, (frame) => this.replies.push(decodeMessage(frame.slice(), LIMITS)));

  constructor(world: ThriftWorld, connection: Connection) {
    this.#world = world;
    this.connection = connection;
    connection.begin({
      data: (bytes) => {
        this.#received.push(bytes.slice());
        this.#parser.take(bytes);
      },
      ended: () => {
        this.isEnded = true;
      },
      closed: () => {
        this.isClosed = true;
      },
    });
  }

  get received(): Uint8Array {
    return concatBytes(this.#received);
  }

  send(...messages: readonly ThriftMessage[]): void {
    this.connection.send(concatBytes(messages.map(encodeFrame)));
  }

  /** The answers to all of them. */
  async ask(...messages: readonly ThriftMessage[]): Promise<ThriftMessage[]> {
    const before = this.replies.length;
    this.send(...messages);
    await this.#world.run(3_000);
    return this.replies.slice(before);
  }
}

export function call(name: string, sequence = 1, useragent?: string): ThriftMessage {
  const body = useragent === undefined ? [] : [{ id: 1, value: { type: "binary", value: utf8(useragent) } } as const];
  return { kind: "call", name, sequence, isStrict: true, body };
}

export function getId(sequence = 1): ThriftMessage {
  return call("get_id", sequence, "test-agent");
}

/** The number that a reply carries. */
export function resultOf({ kind, body }: ThriftMessage): bigint {
  equal(kind, "reply");
  return fieldOf(body, 0, "i64")!.value;
}

/** What an exception says, and its kind. */
export function exceptionOf({ kind, body }: ThriftMessage): readonly [kind: string, text: string] {
  equal(kind, "exception");
  const number = fieldOf(body, 2, "i32")!.value;
  const [name] = Object.entries(APPLICATION_EXCEPTIONS).find(([, value]) => value === number)!;
  return [name, text(fieldOf(body, 1, "binary")!.value)];
}
