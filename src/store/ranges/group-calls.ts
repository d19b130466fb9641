// What the members of groups do for other nodes, over the calls between nodes. One object a node: it answers for the
// groups that are open here, and asks others about theirs. The head of a call names the group, its body says the rest; a
// node that does not have the group says NOT_LEADER, and has done nothing.

import type { Timers } from "../../env/index.ts";
import type { CallOptions, CallReply, IncomingCall, PeerTransport } from "../../peer/index.ts";
import { ByteReader, MalformedBytes } from "../../std/reader.ts";
import { collect, sourceOf } from "../../std/source.ts";
import { ByteWriter } from "../../std/writer.ts";
import { decodeCommand } from "../command.ts";
import { storeFailure } from "../errors.ts";
import type { CommandResult } from "../machine.ts";
import { type LeaseId, STORE_LIMITS } from "../store.ts";
import type { Participant } from "../transactions/participant.ts";
import type { GroupStore } from "./group-store.ts";
import { nextEvents, type PolledStore, readPoll, writePolled } from "./watch-poll.ts";
import {
  readAddress,
  readLevel,
  readLimits,
  readList,
  readRange,
  readScanOptions,
  writeDecision,
  writeExportPage,
  writeResult,
  writeRow,
  writeScanPage,
  writeWrittenPage,
} from "./wire.ts";

/** The numbers are part of the protocol between nodes: never reuse one. */
export const STORE_METHODS = {
  keepAlive: 16,
  get: 17,
  getMany: 18,
  scan: 19,
  propose: 20,
  watch: 21,
  grant: 22,
  revoke: 23,
  exportPage: 24,
  writtenPage: 25,
  commit: 26,
  decision: 27,
} as const;

export type StoreMethod = keyof typeof STORE_METHODS;

/** What a PeerTransport does, as far as the Store needs it. */
export type PeerCalls = Pick<PeerTransport, "call" | "handle">;

/** A member of a group, as other nodes ask it. It never asks on. */
export interface ServedGroup extends Omit<GroupStore, keyof PolledStore>, PolledStore {
  /** Rejects with NOT_LEADER where another member leads. */
  keepAliveHere(lease: LeaseId): Promise<void>;
  readonly participant: Pick<Participant, "readDecision">;
  /** An encoded commit, proposed until nobody is in its way. */
  commitEncoded(command: Uint8Array, signal: AbortSignal): Promise<CommandResult>;
}

/** Of a request or an answer: the rows of a `getMany`, and what stands around them. */
const BODY_BYTES_MAX = STORE_LIMITS.getManyBytesMax * 2;

export class GroupCalls {
  readonly #calls: PeerCalls;
  readonly #timers: Timers;
  readonly #served = new Map<number, ServedGroup>();

  constructor(calls: PeerCalls, timers: Timers) {
    this.#calls = calls;
    this.#timers = timers;
    for (const method of Object.keys(STORE_METHODS) as StoreMethod[]) {
      calls.handle(STORE_METHODS[method], (call) => this.#answer(method, call));
    }
  }

  /** Answers for this group until what it returns is called. */
  serve(group: number, served: ServedGroup): () => void {
    this.#served.set(group, served);
    return () => {
      if (this.#served.get(group) === served) this.#served.delete(group);
    };
  }

  /** Asks one node. Rejects as calls do. */
  async ask(
    node: number,
    group: number,
    method: StoreMethod,
    body: Uint8Array,
    options: CallOptions,
  ): Promise<ByteReader> {
    const head = new ByteWriter(8).varint(group).finish();
    const reply = await this.#calls.call(node, STORE_METHODS[method], { head, body: sourceOf(body) }, options);
    return bodyOf(reply);
  }

  async #answer(method: StoreMethod, call: IncomingCall): Promise<CallReply> {
    const group = new ByteReader(call.head).varint();
    const served = this.#served.get(group);
    if (served === undefined) throw storeFailure("NOT_LEADER", { data: { group, leader: 0 } });
    const writer = new ByteWriter(256);
    await answer(served, method, await bodyOf(call), { writer, signal: call.signal, timers: this.#timers });
    return { head: new Uint8Array(0), body: sourceOf(writer.end()) };
  }
}

interface Answering {
  readonly writer: ByteWriter;
  readonly signal: AbortSignal;
  readonly timers: Timers;
}

async function answer(
  store: ServedGroup,
  method: StoreMethod,
  reader: ByteReader,
  { writer, signal, timers }: Answering,
): Promise<void> {
  switch (method) {
    case "keepAlive":
      return store.keepAliveHere(reader.varint());
    case "get": {
      const { row, position } = await store.get(readAddress(reader), { level: readLevel(reader), signal });
      writeRow(writer.string(position), row);
      return;
    }
    case "getMany": {
      const addresses = readList(reader, () => readAddress(reader));
      const rows = await store.getMany(addresses, { level: readLevel(reader), signal });
      for (const row of rows) writeRow(writer, row);
      return;
    }
    case "scan": {
      const [table, range] = [reader.u8(), readRange(reader)];
      writeScanPage(writer, await store.scan(table, range, { ...readScanOptions(reader), signal }));
      return;
    }
    case "commit":
      writeResult(writer, await store.commitEncoded(reader.raw(reader.remaining), signal));
      return;
    case "propose":
      writeResult(writer, await store.propose(decodeCommand(reader.raw(reader.remaining))));
      return;
    case "watch":
      writePolled(writer, await nextEvents(store, readPoll(reader), { timers, signal }));
      return;
    case "grant":
      writer.varint((await store.grant(reader.varint())).id);
      return;
    case "revoke":
      return store.revoke(reader.varint());
    case "exportPage": {
      const interval = { from: reader.blob(), to: reader.blob() };
      const from = reader.u8() === 0 ? undefined : reader.blob();
      writeExportPage(writer, await store.exportPage(interval, from, readLimits(reader)));
      return;
    }
    case "decision": {
      const name = { transaction: reader.blob(), home: reader.blob() };
      writeDecision(writer, await store.participant.readDecision(name));
      return;
    }
    case "writtenPage":
      writeWrittenPage(writer, await store.writtenPage(reader.varint(), readLimits(reader)));
  }
}

async function bodyOf({ body }: Pick<CallReply, "body">): Promise<ByteReader> {
  const bytes = body === undefined ? new Uint8Array(0) : await collect(body, BODY_BYTES_MAX);
  if (bytes === undefined) throw new MalformedBytes("the body of a call is longer than any version sends");
  return new ByteReader(bytes);
}
