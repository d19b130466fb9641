// Reads of the Store in PostgreSQL. Each is one statement, so that rows and revision are of one state.

import type { PostgresClient, SqlRow } from "../../drivers/postgres/index.ts";
import type { IndexRow } from "../../env/index.ts";
import { BatchedGets, type FoundRows } from "../engine/batched-gets.ts";
import type { IndexBounds } from "../key-codec.ts";
import { decodeState } from "../machine/state.ts";
import { STORE_LIMITS } from "../store.ts";

export interface ReadPage {
  readonly rows: readonly IndexRow[];
  readonly more: boolean;
  readonly revision: number;
}

const GETS_RUNNING_MAX = 4;
/** Keys of one statement. Many gets are small; a row may hold a quarter of a megabyte. */
const KEYS_MAX = 128;

const GET = `select null::bytea, value from state
  union all select key, value from rows where key = any($1::bytea[])`;

/**
 * The first rows of a range, as many as hold no more than so many bytes together but one at least; behind them the
 * next one without its value, where there is one.
 */
function pageText(order: "asc" | "desc"): string {
  return `select null::bytea, value, 0 from state
    union all select * from (
      select key, case when ends <= $4::float8 or ordinal = 1 then value end, ordinal from (
        select key, value, row_number() over each as ordinal, sum(bytes) over each as ends, bytes
        from (select key, value, (octet_length(key) + octet_length(value))::float8 as bytes from rows
          where key >= $1 and key < $2 order by key ${order} limit $3::int) as found
        window each as (order by key ${order})
      ) as counted where ends - bytes <= $4::float8 order by ordinal
    ) as page`;
}

const PAGE = pageText("asc");
const PAGE_REVERSE = pageText("desc");

export class PostgresReader {
  readonly #client: PostgresClient;
  readonly #gets: BatchedGets<Uint8Array>;

  constructor(client: PostgresClient) {
    this.#client = client;
    const read = (keys: readonly Uint8Array[]): Promise<FoundRows<Uint8Array>> => this.#readRows(keys);
    this.#gets = new BatchedGets({ requestsMax: GETS_RUNNING_MAX, keysMax: KEYS_MAX, read });
  }

  get(keys: readonly Uint8Array[]): Promise<FoundRows<Uint8Array>> {
    return this.#gets.get(keys);
  }

  async page({ from, to }: IndexBounds, limit: number, reverse: boolean): Promise<ReadPage> {
    const values = [from, to, limit + 1, STORE_LIMITS.scanBytesMax];
    const statement = reverse ? { name: "page-reverse", text: PAGE_REVERSE } : { name: "page", text: PAGE };
    const found = await this.#client.read({ ...statement, values });
    const listed = found.filter(([key]) => key !== null);
    const whole = listed.filter(([, value]) => value !== null).slice(0, limit);
    return { rows: rowsIn(whole), more: listed.length > whole.length, revision: revisionIn(found) };
  }

  async #readRows(keys: readonly Uint8Array[]): Promise<FoundRows<Uint8Array>> {
    const rows = await this.#client.read({ name: "get", text: GET, values: [keys] });
    const values = new Map(rowsIn(rows).map(({ key, value }) => [nameOf(key), value]));
    return { found: keys.map((key) => values.get(nameOf(key))), revision: revisionIn(rows) };
  }
}

/** Of columns key and value; the state's row has no key. They share the memory of the whole answer. */
export function rowsIn(rows: readonly SqlRow[]): IndexRow[] {
  return rows
    .filter(([key]) => key !== null)
    .map(([key, value]) => ({ key: key as Uint8Array, value: value as Uint8Array }));
}

export function revisionIn(rows: readonly SqlRow[]): number {
  const state = rows.find(([key]) => key === null)![1] as Uint8Array | null;
  return state === null ? 0 : decodeState(state).revision;
}

function nameOf(key: Uint8Array): string {
  return String.fromCharCode(...key);
}
