// Rows of worker numbers in a Redis: one hash a generator, a field a number, changed by a script that looks at the row's
// revision and writes in one step. A count of all changes in the hash gives revisions, so that none comes again.
//
//     PREFIX:twitter  { revision: "41",  "7": "41 RECORD",  "8": "39 RECORD" }

import type { RedisClient } from "../../drivers/redis/index.ts";
import { EMPTY, fromBase64, toBase64 } from "../../std/bytes.ts";
import { asStoreFailure, TABLES } from "../../store/index.ts";
import { idsFailure } from "./errors.ts";
import { decodeWorker, encodeWorker, type WorkerRecord, workerSuffix } from "./records.ts";
import type { WorkerRow, WorkerSource } from "./worker-source.ts";

const REVISION_FIELD = "revision";

const WRITE = `
local row = redis.call('HGET', KEYS[1], ARGV[1])
local found = row and string.match(row, '^%d+') or '0'
if found ~= ARGV[2] then return 0 end
local revision = redis.call('HINCRBY', KEYS[1], '${REVISION_FIELD}', 1)
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', revision) .. ' ' .. ARGV[3])
return revision`;

export class RedisWorkers implements WorkerSource {
  readonly #client: Pick<RedisClient, "read" | "evaluate">;
  readonly #prefix: string;

  constructor(client: Pick<RedisClient, "read" | "evaluate">, prefix: string) {
    this.#client = client;
    this.#prefix = prefix;
  }

  async *rows(generator: string): AsyncGenerator<WorkerRow, void, void> {
    const fields = (await asStoreFailure(this.#client.read(["HGETALL", this.#key(generator)]))) as readonly string[];
    const rows: WorkerRow[] = [];
    for (let at = 0; at < fields.length; at += 2)
      if (fields[at] !== REVISION_FIELD) rows.push(rowOf(Number(fields[at]), fields[at + 1]!));
    yield* rows.sort((left, right) => left.worker - right.worker);
  }

  async read(generator: string, worker: number): Promise<WorkerRow | undefined> {
    const command = ["HGET", this.#key(generator), String(worker)];
    const value = (await asStoreFailure(this.#client.read(command))) as string | null;
    return value === null ? undefined : rowOf(worker, value);
  }

  async write(generator: string, worker: number, revision: number, record: WorkerRecord): Promise<number | undefined> {
    const parameters = [String(worker), String(revision), toBase64(encodeWorker(record))];
    const written = await asStoreFailure(this.#client.evaluate(WRITE, this.#key(generator), parameters));
    return written === 0 ? undefined : Number(written);
  }

  #key(generator: string): string {
    return `${this.#prefix}:${generator}`;
  }
}

/** Throws RECORD_DAMAGED, RECORD_NEWER. */
function rowOf(worker: number, text: string): WorkerRow {
  const [, digits, encoded] = /^(\d+) (.*)$/.exec(text) ?? [];
  const value = fromBase64(encoded ?? "");
  const revision = Number(digits);
  if (value === undefined || !Number.isInteger(worker) || !(revision > 0))
    throw idsFailure("RECORD_DAMAGED", { data: { worker } });
  const address = { table: TABLES.idWorker, key: EMPTY, suffix: workerSuffix(worker) };
  return { worker, revision, record: decodeWorker({ ...address, revision, value }) };
}
