// The writing half of the Store in PostgreSQL. Jobs that arrive while a transaction is under way share the next one.
//
// A transaction takes the lock of the one row of state first, reads what the jobs need, judges them one after the other
// by the machine's rules (each against the effects of those before it; one that conflicts changes nothing and spoils nothing),
// writes all effects in one statement together with the next state and the history, and commits.
//
// Why that is strictly serializable: all that write hold the same lock from before their first read to the end of their
// commit, so transactions happen one after the other, and PostgreSQL gives a statement behind the lock a snapshot
// that holds all earlier ones. Revisions are steps of the locked row: they grow in the order of commits. A read is one
// statement on the primary, so it sees one state, which holds all that was committed before the statement began.

import type { PostgresClient, RunStatement, SqlRow } from "../../drivers/postgres/index.ts";
import { assert } from "../../std/assert.ts";
import { type Command, encodeCommand } from "../command.ts";
import type { Guard } from "../engine/engine-store.ts";
import { Batch, ONE_GROUP } from "../machine/batch.ts";
import { isHeldRowKey, leaseKey, resultKey, rowOfHeldKey, STATE_KEY } from "../machine/keys.ts";
import type { CommandResult } from "../machine/result.ts";
import { decodeState, encodeState, type MachineState } from "../machine/state.ts";
import { decodeRow } from "../row-codec.ts";
import { FetchedRows } from "./fetched-rows.ts";
import { encodeChanges } from "./history-codec.ts";
import { rowsIn } from "./reader.ts";
import { CHANNEL_SQL } from "./schema.ts";

/** Stopped: the row that guards this Store is another's. */
export type JobResult = CommandResult | { readonly kind: "stopped" };

interface Job {
  readonly command: Command;
  readonly bytes: Uint8Array;
  /** Only if the lease's time is over by the database's clock. */
  readonly ifOver: boolean;
  readonly resolve: (result: JobResult) => void;
  readonly reject: (error: unknown) => void;
}

/** What a transaction did that others want to know of. */
export interface WrittenBatch {
  readonly revision: number;
  readonly hasEvents: boolean;
  readonly leasesGranted: number;
  readonly leasesEnded: number;
}

export interface WriterSettings {
  readonly client: PostgresClient;
  readonly onWritten: (written: WrittenBatch) => void;
}

const JOBS_MAX = 256;
const JOBS_BYTES_MAX = 4 * 1024 * 1024;
/**
 * Judged again for what was missing: a lease's end needs its rows' names, then the rows. Two or three do, but for a batch
 * that deletes thousands of a lease's rows and ends it.
 */
const ROUNDS_MAX = 1000;

const LOCK = "select value from state for update";

const WRITE = `with
    put as (insert into rows (key, value) select * from unnest($1::bytea[], $2::bytea[])
      on conflict (key) do update set value = excluded.value),
    gone as (delete from rows where key = any($3::bytea[])),
    told as (insert into history (revision, changes) select * from unnest($4::float8[], $5::bytea[])),
    granted as (insert into leases (lease, ttl_millis, ends)
      select lease, ttl, clock_timestamp() + ttl * interval '1 millisecond'
      from unnest($6::float8[], $7::float8[]) as new (lease, ttl)),
    ended as (delete from leases where lease = any($8::float8[]))
  update state set value = $9 returning pg_notify(${CHANNEL_SQL}, '')`;

export class PostgresWriter {
  readonly #settings: WriterSettings;
  #jobs: Job[] = [];
  #isWriting = false;
  #guard: Guard | undefined;

  constructor(settings: WriterSettings) {
    this.#settings = settings;
  }

  guard(guard: Guard): void {
    this.#guard = guard;
  }

  submit(command: Command, { ifOver = false }: { readonly ifOver?: boolean } = {}): Promise<JobResult> {
    const bytes = encodeCommand(command);
    const { promise, resolve, reject } = Promise.withResolvers<JobResult>();
    this.#jobs.push({ command, bytes, ifOver, resolve, reject });
    if (!this.#isWriting) void this.#writeAll();
    return promise;
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    // What comes in the same turn is part of the first batch.
    await Promise.resolve();
    while (this.#jobs.length > 0) {
      const jobs = this.#takeJobs();
      try {
        const { results, written } = await this.#write(jobs);
        if (written) this.#settings.onWritten(written);
        for (const [at, job] of jobs.entries()) job.resolve(results[at]!);
      } catch (error) {
        for (const job of jobs) job.reject(error);
      }
    }
    this.#isWriting = false;
  }

  #takeJobs(): readonly Job[] {
    let count = 0;
    let bytes = 0;
    for (const job of this.#jobs) {
      if (count === JOBS_MAX || (count > 0 && bytes + job.bytes.length > JOBS_BYTES_MAX)) break;
      count++;
      bytes += job.bytes.length;
    }
    return this.#jobs.splice(0, count);
  }

  #write(
    jobs: readonly Job[],
  ): Promise<{ readonly results: readonly JobResult[]; readonly written: WrittenBatch | undefined }> {
    return this.#settings.client.transaction(LOCK, async (run, locked) => {
      const state = stateIn(locked);
      const over = await this.#leasesOver(run, jobs);
      const rows = new FetchedRows();
      if (this.#guard !== undefined) rows.want(this.#guard.key);
      for (const { command } of jobs) wantRows(rows, command);
      for (let round = 0; ; round++) {
        assert(round < ROUNDS_MAX, "a batch needs a bounded number of rounds to have all its rows");
        await fetchWanted(run, rows);
        const batch = new Batch(rows, state, ONE_GROUP);
        const judged = attempt(() => this.#judge(batch, jobs, rows, over));
        // What was judged on rows that were missing means nothing, a failed assertion neither.
        if (rows.wantsMore) continue;
        if (judged.error !== undefined) throw judged.error;
        return { results: judged.results!, written: await writeBatch(run, batch, state) };
      }
    });
  }

  #judge(batch: Batch, jobs: readonly Job[], rows: FetchedRows, over: ReadonlySet<number>): JobResult[] {
    const isStopped = this.#guard !== undefined && revisionOf(rows, this.#guard.key) !== this.#guard.revision;
    return jobs.map(({ command, bytes, ifOver }) => {
      if (isStopped && command.kind === "commit") return { kind: "stopped" };
      if (ifOver && command.kind === "end" && !over.has(command.lease)) return { kind: "lives-on" };
      return batch.apply(bytes, TERM);
    });
  }

  /** Locked, so that nobody keeps them alive meanwhile. */
  async #leasesOver(run: RunStatement, jobs: readonly Job[]): Promise<ReadonlySet<number>> {
    const asked = jobs.flatMap(({ command, ifOver }) => (ifOver && command.kind === "end" ? [command.lease] : []));
    if (asked.length === 0) return new Set();
    const found = await run({
      text: "select lease from leases where lease = any($1::float8[]) and ends <= clock_timestamp() for update",
      values: [asked],
    });
    return new Set(found.map(([lease]) => lease as number));
  }
}

/** The machine's term and group mean nothing here. */
const TERM = 1;
const NEW_STATE: MachineState = { group: 1, appliedIndex: 0, term: TERM, revision: 0, lastLease: 0, commandBytes: 0 };

function stateIn([row]: readonly SqlRow[]): MachineState {
  const value = row![0] as Uint8Array | null;
  return value === null ? NEW_STATE : decodeState(value);
}

/** What a command needs at first sight. */
function wantRows(rows: FetchedRows, command: Command): void {
  if (command.kind === "end") rows.want(leaseKey(command.lease));
  if (command.kind !== "commit") return;
  const { lease, request, checks, puts, deletes } = command;
  if (lease !== 0) rows.want(leaseKey(lease));
  if (request !== undefined) {
    rows.want(leaseKey(request.session));
    rows.want(resultKey(request.session, request.sequence));
  }
  for (const { key } of checks) rows.want(key);
  for (const { key } of puts) rows.want(key);
  for (const key of deletes) rows.want(key);
}

async function fetchWanted(run: RunStatement, rows: FetchedRows): Promise<void> {
  const { keys, scans } = rows.takeWanted();
  for (const scan of scans) {
    const text = "select key, value from rows where key >= $1 and key < $2 order by key limit $3::int";
    const found = rowsIn(await run({ name: "range", text, values: [scan.from, scan.to, scan.limit] }));
    rows.addScan(scan, found);
    // A lease's end goes on from the names of the rows that it holds to the rows themselves.
    for (const { key } of found) if (isHeldRowKey(key)) rows.want(rowOfHeldKey(key));
  }
  const named = scans.length > 0 ? rows.takeWanted().keys : [];
  const asked = [...keys, ...named];
  if (asked.length === 0) return;
  const text = "select key, value from rows where key = any($1::bytea[])";
  rows.add(asked, rowsIn(await run({ name: "rows", text, values: [asked] })));
}

function attempt<T>(work: () => T): { readonly results?: T; readonly error?: unknown } {
  try {
    return { results: work() };
  } catch (error) {
    return { error };
  }
}

/** Undefined where nothing has changed. */
async function writeBatch(run: RunStatement, batch: Batch, before: MachineState): Promise<WrittenBatch | undefined> {
  const { events, leases, state } = batch;
  const { puts, deletes } = batch.changes();
  const rows = puts.filter(({ key }) => key !== STATE_KEY);
  const isSame = state.revision === before.revision && state.lastLease === before.lastLease;
  if (isSame && rows.length === 0 && deletes.length === 0) return undefined;
  const granted = leases.filter((change) => change.kind === "granted");
  const over = leases.filter((change) => change.kind === "over").map(({ lease }) => lease);
  const ended = new Set(over);
  const living = granted.filter(({ lease }) => !ended.has(lease));
  await run({
    name: "write",
    text: WRITE,
    values: [
      rows.map(({ key }) => key),
      rows.map(({ value }) => value),
      deletes,
      events.map(({ revision }) => revision),
      events.map(({ changes }) => encodeChanges(changes)),
      living.map(({ lease }) => lease),
      living.map(({ ttlMillis }) => ttlMillis),
      over,
      encodeState(state),
    ],
  });
  return {
    revision: state.revision,
    hasEvents: events.length > 0,
    leasesGranted: granted.length,
    leasesEnded: over.length,
  };
}

function revisionOf(rows: FetchedRows, key: Uint8Array): number {
  const stored = rows.get(key);
  return stored === undefined ? 0 : decodeRow(key, stored).revision;
}
