// Rows of worker numbers in a ZooKeeper: a node a number, which is never deleted, so that its versions do not come again.
//
//     PATH / of-twitter / 0000000007     version 40 is revision 41

import type { ZookeeperClient } from "../../drivers/zookeeper/index.ts";
import { EMPTY } from "../../std/bytes.ts";
import { asStoreFailure, TABLES } from "../../store/index.ts";
import { decodeWorker, encodeWorker, type WorkerRecord, workerSuffix } from "./records.ts";
import type { WorkerRow, WorkerSource } from "./worker-source.ts";

/** Nodes that are asked for at once. */
const READS_MAX = 64;
const NAME = /^\d{10}$/;

export class ZookeeperWorkers implements WorkerSource {
  readonly #client: Pick<ZookeeperClient, "get" | "children" | "create" | "set">;
  readonly #path: string;

  constructor(client: Pick<ZookeeperClient, "get" | "children" | "create" | "set">, path: string) {
    this.#client = client;
    this.#path = path;
  }

  async *rows(generator: string): AsyncGenerator<WorkerRow, void, void> {
    const names = await asStoreFailure(this.#client.children(`${this.#path}/of-${generator}`));
    const workers = names
      .filter((name) => NAME.test(name))
      .map(Number)
      .sort((left, right) => left - right);
    for (let at = 0; at < workers.length; at += READS_MAX) {
      const rows = workers.slice(at, at + READS_MAX).map((worker) => this.read(generator, worker));
      for (const row of await Promise.all(rows)) if (row !== undefined) yield row;
    }
  }

  /** May be an old one: a change that rests on it is refused then. */
  async read(generator: string, worker: number): Promise<WorkerRow | undefined> {
    const node = await asStoreFailure(this.#client.get(this.#nodeOf(generator, worker)));
    if (node === undefined) return undefined;
    const revision = node.version + 1;
    const row = { table: TABLES.idWorker, key: EMPTY, suffix: workerSuffix(worker), revision, value: node.data };
    return { worker, revision, record: decodeWorker(row) };
  }

  async write(generator: string, worker: number, revision: number, record: WorkerRecord): Promise<number | undefined> {
    const [path, data] = [this.#nodeOf(generator, worker), encodeWorker(record)];
    if (revision === 0) return (await asStoreFailure(this.#client.create(path, data))) ? 1 : undefined;
    const version = await asStoreFailure(this.#client.set(path, data, revision - 1));
    return version === undefined ? undefined : version + 1;
  }

  #nodeOf(generator: string, worker: number): string {
    return `${this.#path}/of-${generator}/${String(worker).padStart(10, "0")}`;
  }
}
