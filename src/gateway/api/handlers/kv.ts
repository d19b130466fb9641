import { EMPTY, toHex } from "../../../std/bytes.ts";
import { type Row, type RowKey, type ScanPage, storeFailure, TABLES, type WatchEvent } from "../../../store/index.ts";
import { type ApiRequest, type Handlers, PAGE_DEFAULT, type Services } from "../handler.ts";
import {
  addressOf,
  addressShape,
  checkOf,
  putOf,
  rangeBehind,
  rangeOf,
  readLevelOf,
  rowKeyOf,
  rowShape,
} from "../kv/addresses.ts";
import { Deadline } from "../kv/deadline.ts";
import { KeyRights } from "../kv/key-rights.ts";
import { LeaseHandles } from "../kv/lease-handles.ts";
import { KV_LIMITS } from "../kv/limits.ts";
import type { OperationEntry } from "../operation.ts";
import type { KV_OPERATIONS } from "../operations/kv.ts";
import { invalid } from "../validate.ts";

export function kvHandlers(services: Services): Handlers<typeof KV_OPERATIONS> {
  const { store } = services;
  const within = deadlineOf(services);
  return {
    async getRow({ query, permissions, call }) {
      const address = addressOf(query);
      new KeyRights(permissions).requireKeys("ashlar:GetKey", [address.key]);
      using deadline = within(call, query);
      const { signal } = deadline;
      const { row, position } = await deadline.race(store.get(address, { level: readLevelOf(query), signal }));
      return { ...(row && { row: rowShape(row) }), position };
    },

    async getRows({ query, body, permissions, call }) {
      const addresses = body.rows.map(addressOf);
      const keys = addresses.map(({ key }) => key);
      new KeyRights(permissions).requireKeys("ashlar:GetKey", keys);
      using deadline = within(call, query);
      const { signal } = deadline;
      const rows = await deadline.race(store.getMany(addresses, { level: readLevelOf(query), signal }));
      checkBytes(rows);
      return { items: rows.map((row) => (row === undefined ? {} : { row: rowShape(row) })) };
    },

    async scanRows({ query, permissions, call }) {
      const { after, afterSuffix, limit = PAGE_DEFAULT, reverse = false } = query;
      if (afterSuffix !== undefined && after === undefined)
        throw invalid("query.afterSuffix", "goes with `after` only");
      const rights = new KeyRights(permissions);
      const keys = rangeOf(query);
      rights.requireRange("ashlar:ListKeys", keys);
      const range = after === undefined ? keys.range : rangeBehind(keys.range, rowKeyOf(after, afterSuffix), reverse);
      using deadline = within(call, query);
      const options = { limit, reverse, level: readLevelOf(query), signal: deadline.signal };
      const page = await deadline.race(store.scan(TABLES.kv, range, options));
      const { rows, more } = cutPage(page);
      rights.requireKeys("ashlar:ListKeys", keysOf(rows));
      const last = rows.at(-1);
      return {
        items: rows.map(rowShape),
        ...(more && last && { next: addressShape(last) }),
        position: page.position,
      };
    },

    commitRows: commitHandler(services),
    watchRows: watchHandler(services),
    ...leaseHandlers(services),
  };
}

type KvHandlers = Handlers<typeof KV_OPERATIONS>;

function commitHandler(services: Services): KvHandlers["commitRows"] {
  const { store, cipher } = services;
  const handles = new LeaseHandles(cipher);
  const within = deadlineOf(services);
  return async ({ query, body, permissions, caller, call }) => {
    const checks = body.checks?.map(checkOf) ?? [];
    const puts = body.puts?.map(putOf) ?? [];
    const deletes = body.deletes?.map(addressOf) ?? [];
    const rights = new KeyRights(permissions);
    rights.requireKeys("ashlar:PutKey", keysOf(puts));
    rights.requireKeys("ashlar:DeleteKey", keysOf(deletes));
    // Who may write a row may also write it only if: what the check tells, the write would not have hidden.
    const written = new Set([...puts, ...deletes].map(nameOf));
    const others = checks.filter((check) => !written.has(nameOf(check)));
    rights.requireKeys("ashlar:GetKey", keysOf(others));
    const { request } = body;
    const commit = {
      ...{ checks, puts, deletes },
      ...(body.lease !== undefined && { lease: handles.open(body.lease, caller) }),
      ...(request && {
        request: {
          session: handles.open(request.session, caller, "SESSION_UNKNOWN"),
          sequence: request.sequence,
          ...(request.acknowledged !== undefined && { acknowledged: request.acknowledged }),
        },
      }),
    };
    using deadline = within(call, query);
    // The Store answers the deadline by itself: it knows whether the commit was on its way.
    return await store.commit(commit, { signal: deadline.signal });
  };
}

function watchHandler({ store, kvWatches, onUnexpected }: Services): KvHandlers["watchRows"] {
  return async ({ query, permissions, caller, call }) => {
    const keys = rangeOf(query);
    const rights = new KeyRights(permissions);
    rights.requireRange("ashlar:WatchKeys", keys);
    const since = call.headers.get("last-event-id") ?? query.since;
    const body = kvWatches.open(caller.principal.id, {
      watch: (signal) => {
        return store.watch(TABLES.kv, keys.range, { ...(since !== undefined && { since }), progress: true, signal });
      },
      allow: ({ changes }: WatchEvent) => rights.requireKeys("ashlar:WatchKeys", keysOf(changes)),
      onBug: (error) => onUnexpected(error, call.requestId),
    });
    const headers = ["Content-Type", "text/event-stream", "X-Accel-Buffering", "no"];
    return { status: 200, headers, body };
  };
}

function leaseHandlers(services: Services): Pick<KvHandlers, "grantLease" | "keepLeaseAlive" | "revokeLease"> {
  const { store, cipher } = services;
  const handles = new LeaseHandles(cipher);
  const within = deadlineOf(services);
  return {
    async grantLease({ query, body, caller, call }) {
      using deadline = within(call, query);
      const { id, ttlMillis } = await deadline.race(store.grant(body.ttlMillis));
      return { lease: handles.seal(id, caller), ttlMillis };
    },

    async keepLeaseAlive({ path, query, caller, call }) {
      using deadline = within(call, query);
      await deadline.race(store.keepAlive(handles.open(path.lease, caller)));
      return undefined;
    },

    async revokeLease({ path, query, caller, call }) {
      using deadline = within(call, query);
      await deadline.race(store.revoke(handles.open(path.lease, caller)));
      return undefined;
    },
  };
}

type Within = (
  call: ApiRequest<OperationEntry>["call"],
  query: { readonly timeoutMillis?: number | undefined },
) => Deadline;

function deadlineOf({ env }: Pick<Services, "env">): Within {
  return ({ exchange }, { timeoutMillis = KV_LIMITS.timeoutMillisDefault }) =>
    new Deadline(env.timers, timeoutMillis, exchange.signal);
}

/** Throws TOO_LARGE. */
function checkBytes(rows: readonly (Row | undefined)[]): void {
  let bytes = 0;
  for (const row of rows) if (row !== undefined) bytes += bytesOf(row);
  const bytesMax = KV_LIMITS.getManyBytesMax;
  if (bytes <= bytesMax) return;
  throw storeFailure("TOO_LARGE", {
    what: "The rows together are longer than one answer may be.",
    advice: "Ask for fewer of them at once.",
    data: { bytes, bytesMax },
  });
}

/** A page that is long in bytes ends early: what follows it is read again for the next one. */
function cutPage({ rows, more }: ScanPage): Pick<ScanPage, "rows" | "more"> {
  let bytes = 0;
  for (const [at, row] of rows.entries()) {
    bytes += bytesOf(row);
    if (bytes > KV_LIMITS.pageBytesMax && at + 1 < rows.length) return { rows: rows.slice(0, at + 1), more: true };
  }
  return { rows, more };
}

function nameOf({ key, suffix = EMPTY }: RowKey): string {
  return `${toHex(key)} ${toHex(suffix)}`;
}

function bytesOf({ key, suffix, value }: Row): number {
  return key.length + suffix.length + value.length;
}

function keysOf(rows: readonly { readonly key: Uint8Array }[]): Uint8Array[] {
  return rows.map(({ key }) => key);
}
