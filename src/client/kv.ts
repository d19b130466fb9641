// Rows under optimistic check-and-commit: the Store's own operations, as a program uses them.

import { hasCode } from "../std/errors.ts";
import type {
  Commit,
  CommitOptions,
  CommitResult,
  Committed,
  Kv,
  Lease,
  Put,
  ReadOptions,
  ScanOptions,
  ScanPage,
  Watch,
  WatchOptions,
  WriteOptions,
} from "./api.ts";
import type { CallOptions } from "./call-options.ts";
import { Attempts } from "./caller.ts";
import { clientFailure } from "./errors.ts";
import { jsonBody } from "./json-body.ts";
import { KeptLease, type LeaseParts } from "./lease.ts";
import {
  addressQuery,
  type BytesLike,
  fromJson,
  type JsonAddress,
  type JsonRow,
  jsonAddress,
  jsonBytes,
  type KeyRange,
  type Position,
  type Row,
  type RowName,
  rangeQuery,
  rowOf,
} from "./rows.ts";
import type { Sessions } from "./session.ts";
import type { Query } from "./transport.ts";
import { ResumedWatch, type WatchParts } from "./watch.ts";

export interface KvParts extends LeaseParts, WatchParts {
  readonly sessions: Sessions;
}

const PAGE_ROWS = 1000;
/** A second session is opened for a commit that met the end of the first; not a third. */
const SESSIONS_MAX = 2;

export class KvCalls implements Kv {
  readonly #parts: KvParts;

  constructor(parts: KvParts) {
    this.#parts = parts;
  }

  async get(name: RowName, options: ReadOptions = {}): Promise<Row | undefined> {
    const query = { ...addressQuery(name), ...levelQuery(options) };
    const call = { method: "GET", path: "/v1/kv/row", query } as const;
    const { row } = (await this.#parts.caller.call(call, "reads", options)) as { readonly row?: JsonRow };
    return row && rowOf(row);
  }

  async getMany(names: readonly RowName[], options: ReadOptions = {}): Promise<readonly (Row | undefined)[]> {
    const body = jsonBody({ rows: names.map(jsonAddress) });
    const call = { method: "POST", path: "/v1/kv/rows", query: levelQuery(options), body } as const;
    const { items } = (await this.#parts.caller.call(call, "reads", options)) as {
      readonly items: readonly { readonly row?: JsonRow }[];
    };
    return items.map(({ row }) => row && rowOf(row));
  }

  async *scan(range: KeyRange = {}, options: ScanOptions = {}): AsyncGenerator<ScanPage, void, void> {
    const { pageRows: limit = PAGE_ROWS, reverse } = options;
    let after: Query = {};
    for (;;) {
      const query = { ...rangeQuery(range), ...after, limit, reverse, ...levelQuery(options) };
      const call = { method: "GET", path: "/v1/kv/rows", query } as const;
      const page = (await this.#parts.caller.call(call, "reads", options)) as JsonPage;
      yield { rows: page.items.map(rowOf), position: page.position };
      if (page.next === undefined) return;
      const { key, suffix } = page.next;
      after = { after: fromJson(key), ...(suffix !== undefined && { afterSuffix: fromJson(suffix) }) };
    }
  }

  async commit(commit: Commit, options: CommitOptions = {}): Promise<CommitResult> {
    const { lease, checks = [], puts = [], deletes = [] } = commit;
    const body = {
      checks: checks.map(({ revision, ...row }) => ({
        ...jsonAddress(row),
        ...(revision === undefined ? { absent: true } : { revision }),
      })),
      puts: puts.map(({ value, ...row }) => ({ ...jsonAddress(row), value: jsonBytes(value) })),
      deletes: deletes.map(jsonAddress),
      ...(lease && { lease: lease.id }),
    };
    if (options.exactlyOnce === false) return this.#send(body, "once", options, new Attempts());
    return this.#commitOnce(body, options);
  }

  async put(name: RowName, value: BytesLike, { lease, ...options }: WriteOptions = {}): Promise<Committed> {
    return (await this.commit({ puts: [putOf(name, value)], lease }, options)) as Committed;
  }

  async delete(name: RowName, options: CommitOptions = {}): Promise<Committed> {
    return (await this.commit({ deletes: [name] }, options)) as Committed;
  }

  compareAndSet(
    name: RowName,
    revision: number | undefined,
    value: BytesLike,
    { lease, ...options }: WriteOptions = {},
  ): Promise<CommitResult> {
    const put = putOf(name, value);
    const { value: _, ...row } = put;
    return this.commit({ checks: [{ ...row, revision }], puts: [put], lease }, options);
  }

  watch(range: KeyRange = {}, options: WatchOptions = {}): Watch {
    return new ResumedWatch(this.#parts, range, options);
  }

  lease(ttlMillis: number, options: CallOptions = {}): Promise<Lease> {
    return KeptLease.grant(this.#parts, ttlMillis, options);
  }

  /** The call's time begins anew with the second session. */
  async #commitOnce(body: object, options: CommitOptions): Promise<CommitResult> {
    const { sessions } = this.#parts;
    for (let left = SESSIONS_MAX; ; left--) {
      const { session, request } = await sessions.begin(options);
      const attempts = new Attempts();
      try {
        return await this.#send({ ...body, request }, "repeatable", options, attempts);
      } catch (error) {
        if (!hasCode(error, "SESSION_UNKNOWN")) throw error;
        sessions.lost(session);
        // An earlier attempt may have been applied before the session ended: what it came to is gone with it.
        if (attempts.uncertain) throw clientFailure("OUTCOME_UNKNOWN", { cause: error });
        if (left === 1) throw error;
      } finally {
        session.end(request);
      }
    }
  }

  async #send(
    body: object,
    effect: "once" | "repeatable",
    options: CallOptions,
    attempts: Attempts,
  ): Promise<CommitResult> {
    const call = { method: "POST", path: "/v1/kv/commit", body: jsonBody(body) } as const;
    return (await this.#parts.caller.call(call, effect, options, attempts)) as CommitResult;
  }
}

interface JsonPage {
  readonly items: readonly JsonRow[];
  readonly next?: JsonAddress;
  readonly position: Position;
}

function putOf(name: RowName, value: BytesLike): Put {
  return typeof name === "string" || name instanceof Uint8Array ? { key: name, value } : { ...name, value };
}

function levelQuery({ level }: ReadOptions): Query {
  return typeof level === "object" ? { atLeast: level.atLeast } : { level };
}
