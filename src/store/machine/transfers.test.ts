import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { text, toHex, utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { encodeCommand } from "../command.ts";
import { prepareCommit } from "../commit-rules.ts";
import { storeFailure } from "../errors.ts";
import { encodeAddress, encodeKeyBound } from "../key-codec.ts";
import { StoreMachine } from "../machine.ts";
import { bringKeys, giveUp, releaseKeys, type TransferGroup, type TransferRun } from "../ranges/transfer.ts";
import { decodeRow } from "../row-codec.ts";
import { allRows, dump, newIndex } from "../testing/indexes.ts";
import { absent, at, commit, end, MachineDriver, put, revision } from "../testing/machine-driver.ts";
import { exportPage, writtenPage } from "./export-pages.ts";
import type { RangeCommand } from "./range-commands.ts";
import type { CommandResult } from "./result.ts";

const EMPTY = new Uint8Array(0);
const LIMITS = { rowsMax: 3, bytesMax: 60 };

/** A group that is one machine. Steps come in order, and twice where `repeats` says so. */
class OneGroup implements TransferGroup {
  readonly driver: MachineDriver;
  readonly sent: Uint8Array[] = [];
  repeats: () => boolean = () => false;

  constructor(driver: MachineDriver) {
    this.driver = driver;
  }

  static async open(id: number): Promise<OneGroup> {
    return new OneGroup(new MachineDriver(await newIndex(), id));
  }

  get machine(): StoreMachine {
    return this.driver.machine;
  }

  async step(step: RangeCommand) {
    const command = encodeCommand({ kind: "range", step });
    this.sent.push(command);
    const results = [this.driver.run(command)];
    while (this.repeats()) results.push(this.driver.run(command));
    const result = results[0]!;
    if (result.kind === "refused") throw storeFailure(result.code);
    assert.ok(result.kind === "transferred");
    return result;
  }

  async exportPage(...[interval, from, limits]: Parameters<TransferGroup["exportPage"]>) {
    return exportPage(this.driver.index, interval, from, limits);
  }

  async writtenPage(...[transfer, limits]: Parameters<TransferGroup["writtenPage"]>) {
    return writtenPage(this.driver.index, transfer, limits);
  }

  /** Rows of callers, by name. */
  rows(): Map<string, { readonly value: string; readonly revision: number; readonly lease: number }> {
    const rows = allRows(this.driver.index).filter(({ key }) => key[0] !== 0);
    return new Map(
      rows.map(({ key, value }) => {
        const row = decodeRow(key, value);
        return [toHex(key), { ...row, value: text(row.value) }];
      }),
    );
  }
}

async function pair(): Promise<{ source: OneGroup; target: OneGroup; run: TransferRun }> {
  const [source, target] = [await OneGroup.open(1), await OneGroup.open(2)];
  const interval = { from: encodeKeyBound(utf8("b")), to: encodeKeyBound(utf8("d")) };
  const name = { transfer: 7, attempt: 1, source: 1, target: 2, ...interval };
  return { source, target, run: { ...name, sourceGroup: source, targetGroup: target, limits: LIMITS } };
}

const refused = (code: string): CommandResult => ({ kind: "refused", code }) as CommandResult;
const row = (name: string): Uint8Array => encodeAddress(at(name));
const names = (group: OneGroup): string[] => [...group.rows().values()].map(({ value }) => value);

describe("a transfer of keys", () => {
  test("takes the rows of an interval to another group, with their revisions and leases", async () => {
    const { source, target, run } = await pair();
    const lease = source.driver.lease();
    for (const name of ["a", "b", "b\0", "bb", "c", "cz", "d", "e"]) source.driver.run(commit({ puts: [put(name)] }));
    source.driver.run(commit({ puts: [put("c")], lease }));
    source.driver.run(commit({ puts: [{ ...at("bc", 30), value: utf8("bc") }] }));
    const before = source.rows();
    await bringKeys(run);
    await releaseKeys(run);
    assert.deepEqual(names(source), ["a", "d", "e"]);
    assert.deepEqual(names(target), ["b", "b\0", "bb", "c", "cz", "bc"]);
    for (const [key, row] of target.rows()) assert.deepEqual(row, before.get(key));
    assert.equal(target.machine.revision, source.machine.revision + 1);
    assert.deepEqual(source.driver.run(commit({ puts: [put("b")] })), refused("RANGE_MISMATCH"));
    assert.deepEqual(source.driver.run(commit({ checks: [absent("cc")] })), refused("RANGE_MISMATCH"));
    assert.deepEqual(source.driver.run(commit({ deletes: [at("b")] })), refused("RANGE_MISMATCH"));
    assert.deepEqual(target.driver.run(commit({ puts: [put("d")] })), refused("RANGE_MISMATCH"));
    const moved = before.get(toHex(encodeAddress(at("c"))))!.revision;
    const own = target.driver.run(commit({ checks: [revision("c", moved)], puts: [put("c")] }));
    assert.ok(own.kind === "committed" && own.revision > source.machine.revision);
  });

  test("follows what is written while the rows are copied, deletions too", async () => {
    const { source, target, run } = await pair();
    for (let number = 0; number < 10; number++) source.driver.run(commit({ puts: [put(`b${number}`)] }));
    const writes = [
      commit({ puts: [put("b0", "new"), put("a")], deletes: [at("b9")] }),
      commit({ deletes: [at("b1"), at("b8")] }),
      commit({ puts: [put("b1", "again")] }),
      commit({ puts: [put("bx", "late")] }),
    ];
    const pace = async (): Promise<void> => {
      const write = writes.shift();
      if (write) assert.equal(source.driver.run(write).kind, "committed");
    };
    await bringKeys({ ...run, pace });
    const expected = [...source.rows()].filter(([key]) => key.startsWith(toHex(encodeAddress(at("b"))).slice(0, 4)));
    assert.deepEqual([...target.rows()], expected);
    assert.deepEqual(names(target).slice(0, 2), ["new", "again"]);
    assert.ok(names(target).includes("late") && writes.length === 0);
  });

  test("lets nobody write the keys from the freeze on, and gives them to one group only", async () => {
    const { source, target, run } = await pair();
    source.driver.run(commit({ puts: [put("b"), put("a")] }));
    const lease = source.driver.lease();
    source.driver.run(commit({ puts: [put("c")], lease }));
    await bringKeys(run);
    assert.deepEqual(source.driver.run(commit({ puts: [put("b")] })), refused("RANGE_MOVING"));
    assert.deepEqual(source.driver.run(end(lease)), refused("RANGE_MOVING"));
    assert.equal(source.driver.run(commit({ puts: [put("a")] })).kind, "committed");
    assert.equal(target.driver.run(commit({ puts: [put("b")] })).kind, "committed");
    await assert.rejects(source.step({ kind: "export-begin", ...run, attempt: 0 }), superseded);
    assert.equal(await giveUp(run), false);
    await releaseKeys(run);
    assert.deepEqual(source.driver.run(end(lease)), { kind: "ended", done: true });
    assert.equal(source.driver.events.at(-1)!.changes.length, 0, "rows that are another's go without a word");
    assert.deepEqual(target.driver.run(end(lease)), { kind: "ended", done: true });
  });

  test("is begun anew by another driver, whose predecessor then changes nothing", async () => {
    const { source, target, run } = await pair();
    for (const name of ["b", "bb", "c"]) source.driver.run(commit({ puts: [put(name)] }));
    let pages = 0;
    const stop = new RangeError("the driver is gone");
    const pace = async (): Promise<void> => {
      if (++pages === 1) throw stop;
    };
    await assert.rejects(bringKeys({ ...run, pace }), stop);
    source.driver.run(commit({ deletes: [at("b")] }));
    const late = target.sent.filter((_, number) => number > 0);
    await source.step({ kind: "export-freeze", ...run });
    const second = { ...run, attempt: 2 };
    await bringKeys({
      ...second,
      pace: async () => {
        for (const command of late) assert.deepEqual(target.driver.run(command), refused("TRANSFER_SUPERSEDED"));
        await assert.rejects(source.step({ kind: "export-freeze", ...run }), superseded);
      },
    });
    assert.deepEqual(names(target), ["bb", "c"]);
    await bringKeys({ ...run, attempt: 3 });
    await releaseKeys({ ...run, attempt: 3 });
    await releaseKeys({ ...run, attempt: 3 });
    assert.deepEqual(names(source), []);
    assert.deepEqual(source.machine.ranges!.exports, []);
    assert.deepEqual(target.machine.ranges!.imports, []);
  });

  test("can be given up until the target serves the keys, and leaves nothing behind", async () => {
    const { source, target, run } = await pair();
    const lease = source.driver.lease();
    for (let number = 0; number < 600; number++) source.driver.run(commit({ puts: [put(`c${number}`)], lease }));
    const stop = new RangeError("enough");
    const pace = async (): Promise<void> => {
      source.driver.run(commit({ puts: [put("b")] }));
      if (target.rows().size > 400) throw stop;
    };
    await assert.rejects(bringKeys({ ...run, limits: { rowsMax: 100, bytesMax: 1e6 }, pace }), stop);
    await source.step({ kind: "export-freeze", ...run });
    assert.equal(await giveUp({ ...run, attempt: 2 }), true);
    assert.equal(await giveUp({ ...run, attempt: 2 }), true);
    assert.equal(target.rows().size, 0);
    assert.equal(source.driver.run(commit({ puts: [put("b")] })).kind, "committed");
    assert.ok(!dump(source.driver.index).some((row) => row.startsWith("0011")));
    await assert.rejects(bringKeys({ ...run, attempt: 3 }), superseded);
    await bringKeys({ ...run, transfer: 8 });
    assert.equal(target.rows().size, 601);
  });

  test("refuses keys that the target has and the source has not", async () => {
    const { source, target, run } = await pair();
    await bringKeys(run);
    await releaseKeys(run);
    const mismatch = (error: unknown): boolean => hasCode(error, "RANGE_MISMATCH");
    await assert.rejects(target.step({ kind: "import-begin", ...run, transfer: 8 }), mismatch);
    await assert.rejects(source.step({ kind: "export-begin", ...run, transfer: 8 }), mismatch);
    const back = { ...run, transfer: 9, source: 2, target: 1, sourceGroup: target, targetGroup: source };
    await bringKeys(back);
    await releaseKeys(back);
    assert.equal(source.driver.run(commit({ puts: [put("b")] })).kind, "committed");
    assert.deepEqual(target.driver.run(commit({ puts: [put("b")] })), refused("RANGE_MISMATCH"));
  });

  test("takes the results of requests along, so that they are not applied again", async () => {
    const { source, target, run } = await pair();
    const session = source.driver.lease();
    const request = (sequence: number, name: string) => commit({ puts: [put(name)], request: { session, sequence } });
    const first = source.driver.run(request(1, "b"));
    let second: CommandResult | undefined;
    const pace = async (): Promise<void> => {
      second ??= source.driver.run(request(2, "c"));
      source.driver.run(request(3, "a"));
    };
    await bringKeys({ ...run, pace });
    assert.deepEqual(target.driver.run(request(1, "b")), first);
    assert.deepEqual(target.driver.run(request(2, "c")), second);
    assert.equal(target.driver.run(request(4, "c")).kind, "committed");
    assert.equal(allRows(target.driver.index).filter(({ key }) => key[0] === 0 && key[1] === 3).length, 3);
  });

  test("takes the locks and decisions of commits over several groups along", async () => {
    const { source, target, run } = await pair();
    const [early, late] = [1, 2].map((byte) => new Uint8Array(16).fill(byte)) as [Uint8Array, Uint8Array];
    const prepare = (transaction: Uint8Array, home: string): Uint8Array => {
      const share = prepareCommit({ puts: [put(home, "of both")], checks: [absent(`${home} too`)] });
      return encodeCommand({ kind: "prepare", transaction, home: row(home), known: undefined, ...share });
    };
    const decide = (transaction: Uint8Array, home: string): Uint8Array => {
      const keys = [row(home), row(`${home} too`)];
      const fields = { request: undefined, keys, others: [row("z")], revision: 9 };
      return encodeCommand({ kind: "decide", transaction, home: row(home), ...fields });
    };
    source.driver.apply(prepare(early, "b"), decide(early, "b"));
    let isPrepared = false;
    const pace = async (): Promise<void> => {
      if (!isPrepared) source.driver.run(prepare(late, "c"));
      isPrepared = true;
    };
    await bringKeys({ ...run, pace });
    assert.deepEqual(source.driver.run(decide(late, "c")), refused("RANGE_MOVING"));
    await releaseKeys(run);
    assert.deepEqual(source.driver.run(decide(late, "c")), refused("RANGE_MISMATCH"));
    assert.deepEqual(source.machine.prepared, { writeLocks: 0, checkLocks: 0, decisions: 0 });
    assert.deepEqual(target.machine.prepared, { writeLocks: 1, checkLocks: 1, decisions: 1 });
    assert.equal(target.driver.run(commit({ puts: [put("c")] })).kind, "locked");
    assert.equal(target.driver.run(commit({ puts: [put("c too")] })).kind, "locked");
    const again = target.driver.run(encodeCommand({ kind: "abort", transaction: early, home: row("b") }));
    assert.deepEqual(again.kind === "decided" && again.decision, { committed: true, revision: 9 });
    assert.equal(target.driver.run(decide(late, "c")).kind, "decided");
    assert.deepEqual(names(target), ["of both", "of both"]);
    const reopened = new StoreMachine({ index: target.driver.index, group: 2, beginsEmpty: true });
    assert.deepEqual(reopened.prepared, target.machine.prepared);
  });

  test("refuses at the target what was sent before to a home that has forgotten it", async () => {
    const { source, target, run } = await pair();
    const name = { transaction: new Uint8Array(16).fill(1), home: row("b") };
    const known = target.machine.revision;
    source.driver.run(encodeCommand({ kind: "abort", ...name }));
    source.driver.run(encodeCommand({ kind: "forget", records: [name] }));
    await bringKeys(run);
    const share = prepareCommit({ puts: [put("b")] });
    assert.equal(target.driver.run(encodeCommand({ kind: "prepare", ...name, known, ...share })).kind, "late");
  });

  test("goes on behind a snapshot, which carries what the group serves", async () => {
    const { source, target, run } = await pair();
    source.driver.run(commit({ puts: [put("b"), put("d")] }));
    await bringKeys(run);
    const fresh = new StoreMachine({ index: await newIndex(), group: 1 });
    await fresh.restore(source.machine.capture().read(), source.machine.appliedIndex);
    assert.deepEqual(fresh.ranges, source.machine.ranges);
    const index = fresh.appliedIndex + 1;
    const commands = [commit({ puts: [put("b")] }), commit({ puts: [put("d")] })];
    const [answers] = fresh.apply([{ index, term: 1, commands }]);
    assert.deepEqual(answers, [refused("RANGE_MOVING"), { kind: "committed", revision: 2 }]);
    assert.equal(target.machine.ranges!.serves.length, 1);
  });

  test("leaves root tables where they are", async () => {
    const { source, target, run } = await pair();
    source.driver.run(commit({ puts: [{ ...at("c", 80), value: utf8("node") }] }));
    await bringKeys({ ...run, from: encodeKeyBound(EMPTY), to: EMPTY });
    await releaseKeys(run);
    assert.equal(source.rows().size, 1);
    assert.equal(source.driver.run(commit({ puts: [{ ...at("c", 80), value: utf8("other") }] })).kind, "committed");
    assert.deepEqual(
      target.driver.run(commit({ puts: [{ ...at("c", 80), value: utf8("other") }] })),
      refused("RANGE_MISMATCH"),
    );
  });

  test("outlives a restart of either side at any step, and steps that come twice", async () => {
    for (let seed = 1; seed <= 30; seed++) await randomTransfers(seed);
  });
});

const superseded = (error: unknown): boolean => hasCode(error, "TRANSFER_SUPERSEDED");

/** Keys go to and fro between three groups while they are written; a plain map says what there must be. */
async function randomTransfers(seed: number): Promise<void> {
  const prng = new Prng(seed);
  const groups = [await OneGroup.open(1), await OneGroup.open(2), await OneGroup.open(3)];
  const model = new Map<string, { readonly value: string; readonly revision: number }>();
  const latest = new Map<string, number>();
  for (const group of groups) group.repeats = () => prng.chance(0.2);

  const write = (): void => {
    const name = `${prng.pick(["a", "b", "c", "d"])}${prng.below(4)}`;
    const isPut = prng.chance(0.7);
    const value = `${name} ${prng.below(1000)}`;
    const command = commit(isPut ? { puts: [put(name, value)] } : { deletes: [at(name)] });
    const results = groups.map(({ driver }) => driver.run(command)).filter(({ kind }) => kind === "committed");
    assert.ok(results.length <= 1, `seed ${seed}: a key is served by one group`);
    const [result] = results;
    if (result?.kind !== "committed") return;
    assert.ok(result.revision > (latest.get(name) ?? 0), `seed ${seed}: revisions of a key grow`);
    latest.set(name, result.revision);
    if (isPut) model.set(name, { value, revision: result.revision });
    else model.delete(name);
  };
  const disturb = async (): Promise<void> => {
    for (let count = prng.below(3); count > 0; count--) write();
    const group = prng.pick(groups);
    if (prng.chance(0.2)) group.driver.reopen();
    if (prng.chance(0.05)) throw new RangeError("the driver is gone");
  };

  for (let transfer = 1; transfer <= 8; transfer++) {
    const bounds = ["a", "b", "b2", "c", "d"].map((name) => encodeKeyBound(utf8(name)));
    const [from, to] = [prng.below(4), 1 + prng.below(4)];
    const interval = { from: bounds[Math.min(from, to - 1)]!, to: bounds[to]! };
    const [sourceGroup, targetGroup] = [prng.pick(groups), prng.pick(groups)];
    if (sourceGroup === targetGroup) continue;
    const name = { source: groups.indexOf(sourceGroup) + 1, target: groups.indexOf(targetGroup) + 1, ...interval };
    for (let attempt = 1; ; attempt++) {
      const run = { transfer, attempt, ...name, sourceGroup, targetGroup, limits: LIMITS, pace: disturb };
      try {
        await bringKeys(run);
        await disturb();
        await releaseKeys(run);
        break;
      } catch (error) {
        if (hasCode(error, "RANGE_MISMATCH")) assert.ok(await giveUp(run), `seed ${seed}`);
        if (hasCode(error, "RANGE_MISMATCH")) break;
        if (!(error instanceof RangeError)) throw error;
      }
    }
  }
  for (const name of ["a", "b", "c", "d"]) {
    const command = commit({ checks: [absent(`${name}9`)] });
    const served = groups.filter(({ driver }) => driver.run(command).kind === "committed");
    assert.equal(served.length, 1, `seed ${seed}: ${name} is served again`);
  }
  const rows = groups.flatMap((group) =>
    [...group.rows().values()].map(({ value, revision: at1 }) => `${value} ${at1}`),
  );
  const expected = [...model.values()].map(({ value, revision: at1 }) => `${value} ${at1}`);
  assert.deepEqual(rows.sort(), expected.sort(), `seed ${seed}`);
}
