// Clients of commits over several groups, and what they saw: lists that are appended to and read, accounts whose sum
// never changes, rows that come and go, and receipts of requests that are sent again until they are answered.

import assert from "node:assert/strict";
import { checkListAppend, HistoryReader } from "../../check/index.ts";
import { text, utf8 } from "../../std/bytes.ts";
import { AshlarError } from "../../std/errors.ts";
import type { Prng } from "../../std/prng.ts";
import type { Check, Commit, Row, Store } from "../store.ts";
import { at, put } from "./machine-driver.ts";

export const LISTS = 7;
export const ACCOUNTS = 5;
const TOGGLES = 5;
const BALANCE = 100;
const ANSWERED_A_REPEAT = 8;

/** Rejections that say that nothing was written. */
const CERTAIN: ReadonlySet<string> = new Set(["OVERLOADED", "NO_LEADER", "DEADLINE_PASSED", "STOPPED"]);

/** A node as its clients see it: GroupNode, or one with a Store of all ranges. */
export interface ClientNode {
  readonly coordinator: ClientCommits;
  readonly stores: ReadonlyMap<number, Pick<Store, "scan">>;
  store(key: Uint8Array): Pick<Store, "get"> & ClientCommits;
}

export interface ClientCommits {
  commit(
    commit: Commit,
  ): Promise<{ readonly committed: true; readonly revision: number } | { readonly committed: false }>;
}

export interface ClientWorld {
  readonly prng: Prng;
  readonly now: () => number;
  readonly node: () => ClientNode;
  /** Gives up on a call whose node is gone. */
  readonly timeout: <T>(call: Promise<T>) => Promise<T>;
}

interface Receipt {
  readonly commit: Commit;
  revision: number | undefined;
}

const TRIES_MAX = 20;

export class TransactionClients {
  readonly #world: ClientWorld;
  readonly #history = new HistoryReader();
  readonly #revisions = new Map<string, number>();
  readonly #receipts: Receipt[] = [];
  #processes = 0;
  #elements = 0;
  #sequence = 0;
  committed = 0;
  conflicts = 0;
  unknown = 0;
  audits = 0;
  answeredAgain = 0;

  constructor(world: ClientWorld) {
    this.#world = world;
  }

  async openAccounts(node: ClientNode): Promise<void> {
    const names = Array.from({ length: ACCOUNTS }, (_, number) => `account${number}`);
    const puts = names.map((name) => put(name, `${BALANCE}`));
    const result = await untilAnswered(() => node.coordinator.commit({ puts }));
    assert.ok(result.committed);
  }

  /** Reads some lists and appends to some of them, if they are still what was read. */
  async lists(process: number): Promise<boolean> {
    const { prng } = this.#world;
    const numbers = someOf(prng, LISTS, 1 + prng.below(4));
    const asked = numbers.map((number) =>
      prng.chance(0.5) ? ["append", number, ++this.#elements] : ["r", number, null],
    );
    this.#event(process, "invoke", asked);
    const node = this.#world.node();
    try {
      const rows = await this.#readAll(
        node,
        numbers.map((number) => `list${number}`),
      );
      const listed = rows.map((row) => (row === undefined ? [] : (JSON.parse(text(row.value)) as number[])));
      const puts = asked.flatMap(([kind, number, element], index) =>
        kind === "append" ? [put(`list${number}`, JSON.stringify([...listed[index]!, element as number]))] : [],
      );
      const checks = numbers.map((number, index) => checkOf(`list${number}`, rows[index]));
      const result = await this.#commit(node, { checks, puts });
      const done = asked.map(([kind, number, element], index) =>
        kind === "append" ? [kind, number, element] : [kind, number, listed[index]],
      );
      this.#event(process, result.committed ? "ok" : "fail", result.committed ? done : asked);
      return true;
    } catch (error) {
      const isCertain = certain(error);
      this.#event(process, isCertain ? "fail" : "info", asked);
      return isCertain;
    }
  }

  nextProcess(): number {
    return ++this.#processes;
  }

  /** Moves money between two accounts, or reads all of them: as one state, for its commit checks every row. */
  async bank(): Promise<void> {
    const { prng } = this.#world;
    const node = this.#world.node();
    const names = Array.from({ length: ACCOUNTS }, (_, number) => `account${number}`);
    if (prng.chance(0.4)) {
      const rows = await this.#readAll(node, names);
      const result = await this.#commit(node, { checks: names.map((name, index) => checkOf(name, rows[index])) });
      if (!result.committed) return;
      const sum = rows.reduce((total, row) => total + Number(text(row!.value)), 0);
      assert.equal(sum, ACCOUNTS * BALANCE, "money is neither made nor lost");
      this.audits++;
      return;
    }
    const [from, to] = someOf(prng, ACCOUNTS, 2).map((number) => names[number]!) as [string, string];
    const [left, right] = await this.#readAll(node, [from, to]);
    const amount = prng.below(20);
    await this.#commit(node, {
      checks: [checkOf(from, left), checkOf(to, right)],
      puts: [put(from, `${Number(text(left!.value)) - amount}`), put(to, `${Number(text(right!.value)) + amount}`)],
    });
  }

  /** Rows that are deleted and made again, in one group or over two: their revisions grow all the same. */
  async toggle(): Promise<void> {
    const { prng } = this.#world;
    const node = this.#world.node();
    const names = someOf(prng, TOGGLES, 1 + prng.below(2)).map((number) => `toggle${number}`);
    const seen = names.map((name) => this.#revisions.get(name) ?? 0);
    const puts = names.filter(() => prng.chance(0.6)).map((name) => put(name));
    const deletes = names.filter((name) => !puts.some(({ key }) => text(key) === name)).map((name) => at(name));
    const result = await this.#commit(node, { puts, deletes });
    assert.ok(result.committed);
    for (const [index, name] of names.entries()) {
      assert.ok(result.revision > seen[index]!, `the revision of ${name} grows beyond what was seen before`);
      this.#sawRevision(name, result.revision);
    }
    await this.#readAll(node, names);
  }

  /** A scan of the accounts of one group sees none of them go missing. */
  async scan(): Promise<void> {
    const { prng } = this.#world;
    const { stores } = this.#world.node();
    const [group, store] = prng.pick([...stores]);
    const bounds = { from: at("account"), to: at("accounu") };
    const before = new Map(this.#revisions);
    const rows: Row[] = [];
    const reverse = prng.chance(0.5);
    for (let range: object = bounds; ; ) {
      const page = await this.#world.timeout(store.scan(18, range, { limit: 2, reverse }));
      rows.push(...page.rows);
      if (!page.more) break;
      range = reverse ? { ...bounds, to: page.rows.at(-1)! } : { ...bounds, after: page.rows.at(-1)! };
    }
    const expected = Array.from({ length: ACCOUNTS }, (_, number) => number).filter(
      (number) => (number % stores.size) + 1 === group,
    );
    assert.equal(rows.length, expected.length, "a scan leaves out no account");
    for (const { key, revision } of rows) {
      assert.ok(revision >= (before.get(text(key)) ?? 0), `a scan gives no older ${text(key)} than others have seen`);
    }
  }

  /** Puts a receipt in two groups under a request's name, and sends it again until it is answered. */
  async request(session: number, groups: number): Promise<void> {
    const number = this.#receipts.length * groups;
    const other = number + 1 + this.#world.prng.below(groups - 1);
    const request = { session, sequence: ++this.#sequence };
    const puts = [put(`receipt${number}`), put(`receipt/${number}/${other}`)];
    const receipt: Receipt = { commit: { puts, request }, revision: undefined };
    this.#receipts.push(receipt);
    await this.#send(receipt).catch(operating);
  }

  /** What was not answered, and some of what was. */
  async sendAgain(): Promise<void> {
    for (const [number, receipt] of this.#receipts.entries()) {
      if (receipt.revision !== undefined && number % ANSWERED_A_REPEAT > 0) continue;
      if (receipt.revision === undefined) this.answeredAgain++;
      await untilAnswered(() => this.#send(receipt));
    }
  }

  /** All that the clients saw, and what is there in the end. */
  async verify(node: ClientNode): Promise<void> {
    const verdict = checkListAppend(this.#history.finish(), "strict-serializable");
    assert.equal(verdict.verdict, "ok", JSON.stringify(verdict, undefined, 1));
    for (const { commit, revision } of this.#receipts) {
      for (const { key } of commit.puts!) {
        const { row } = await node.store(key).get({ table: 18, key });
        assert.equal(row?.revision, revision, `${text(key)} was written once, at the revision that was answered`);
      }
    }
    const rows = await this.#readAll(
      node,
      Array.from({ length: ACCOUNTS }, (_, number) => `account${number}`),
    );
    assert.equal(
      rows.reduce((total, row) => total + Number(text(row!.value)), 0),
      ACCOUNTS * BALANCE,
    );
  }

  async #send(receipt: Receipt): Promise<void> {
    const result = await this.#commit(this.#world.node(), receipt.commit);
    assert.ok(result.committed);
    receipt.revision ??= result.revision;
    assert.equal(result.revision, receipt.revision, "a request is answered with its first result");
  }

  /** Rows of one group go through its Store every other time, as a router would have it. */
  async #commit(node: ClientNode, commit: Commit): Promise<{ committed: boolean; revision: number }> {
    const { prng, timeout } = this.#world;
    const rows = [...(commit.checks ?? []), ...(commit.puts ?? []), ...(commit.deletes ?? [])];
    const stores = new Set(rows.map(({ key }) => node.store(key)));
    const plain = stores.size === 1 && prng.chance(0.5);
    try {
      const [store] = stores;
      const result = plain ? await timeout(store!.commit(commit)) : await timeout(node.coordinator.commit(commit));
      if (result.committed) {
        this.committed++;
        for (const { key } of commit.puts ?? []) this.#sawRevision(text(key), result.revision);
      } else this.conflicts++;
      return { committed: result.committed, revision: result.committed ? result.revision : 0 };
    } catch (error) {
      if (!certain(error)) this.unknown++;
      throw error;
    }
  }

  async #readAll(node: ClientNode, names: readonly string[]): Promise<(Row | undefined)[]> {
    const { timeout } = this.#world;
    return Promise.all(
      names.map(async (name) => {
        const before = this.#revisions.get(name) ?? 0;
        const { row } = await timeout(node.store(utf8(name)).get(at(name)));
        if (row === undefined) return undefined;
        assert.ok(row.revision >= before, `the revision of ${name} never goes back`);
        this.#sawRevision(name, row.revision);
        return row;
      }),
    );
  }

  #sawRevision(name: string, revision: number): void {
    this.#revisions.set(name, Math.max(revision, this.#revisions.get(name) ?? 0));
  }

  #event(process: number, type: string, value: unknown): void {
    const time = Math.round(this.#world.now() * 1e6);
    this.#history.add(JSON.stringify({ process, type, f: "txn", value, time }));
  }
}

/** Some of the groups may have no leader yet. */
async function untilAnswered<T>(run: () => Promise<T>): Promise<T> {
  for (let tries = 1; tries < TRIES_MAX; tries++) {
    try {
      return await run();
    } catch (error) {
      operating(error);
    }
  }
  return run();
}

/** Throws what is no operating error. */
export function operating(error: unknown): void {
  if (!(error instanceof AshlarError)) throw error;
}

function certain(error: unknown): boolean {
  operating(error);
  return CERTAIN.has((error as AshlarError).code);
}

function checkOf(name: string, row: Row | undefined): Check {
  return row === undefined ? { ...at(name), absent: true } : { ...at(name), revision: row.revision };
}

function someOf(prng: Prng, count: number, wanted: number): number[] {
  const left = Array.from({ length: count }, (_, number) => number);
  return Array.from({ length: wanted }, () => left.splice(prng.below(left.length), 1)[0]!);
}
