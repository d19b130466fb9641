import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { text, utf8 } from "../std/bytes.ts";
import { Prng } from "../std/prng.ts";
import { type ByteSource, collect, sourceFrom } from "../std/source.ts";
import type { Capture, Entry, StateMachine } from "./state-machine.ts";
import { DiskMachine } from "./testing/disk-machine.ts";
import { NAMES, SimGroups, type SimGroupsOptions } from "./testing/sim-groups.ts";

// The three kinds of machine do the same under the same conditions: a restart, a member that was away for long, and
// power that fails at any moment.

/** A machine in memory that can be read while entries are applied: its state is a list that only grows at its head. */
class ListMachine implements StateMachine<number> {
  appliedIndex = 0;
  restores = 0;
  /** Captures that were read while entries were applied. */
  overtaken = 0;
  #head: Link | undefined;
  readonly #turn: () => Promise<void>;

  constructor(turn: () => Promise<void>) {
    this.#turn = turn;
  }

  get seen(): readonly string[] {
    return listed(this.#head);
  }

  apply(entries: readonly Entry[]): number[][] {
    return entries.map(({ index, commands }) => {
      this.appliedIndex = index;
      return commands.map((command) => {
        this.#head = { value: text(command), size: (this.#head?.size ?? 0) + 1, rest: this.#head };
        return this.#head.size - 1;
      });
    });
  }

  capture(): Capture {
    const head = this.#head;
    const turn = this.#turn;
    const machine = this;
    async function* values(): AsyncGenerator<Uint8Array> {
      for (const value of listed(head)) {
        yield utf8(`${JSON.stringify(value)}\n`);
        await turn();
      }
      if (machine.#head !== head) machine.overtaken++;
    }
    return { read: () => sourceFrom(values()), close: () => {} };
  }

  async restore(source: ByteSource, index: number): Promise<void> {
    const lines = text((await collect(source, 1_000_000))!)
      .split("\n")
      .filter((line) => line !== "");
    let head: Link | undefined;
    for (const line of lines) head = { value: JSON.parse(line), size: (head?.size ?? 0) + 1, rest: head };
    this.#head = head;
    this.appliedIndex = index;
    this.restores++;
  }
}

interface Link {
  readonly value: string;
  readonly size: number;
  readonly rest: Link | undefined;
}

function listed(head: Link | undefined): readonly string[] {
  const values: string[] = [];
  for (let link = head; link !== undefined; link = link.rest) values.push(link.value);
  return values.reverse();
}

interface Machine {
  readonly seen: readonly string[];
  readonly restores: number;
}

const LIMITS = { snapshotLogBytesMin: 1500 };

const CONCURRENT: SimGroupsOptions<ListMachine, number> = {
  machine: (_, { env }) => new ListMachine(() => new Promise((resolve) => void env.timers.after(0.05, resolve))),
  replicated: (machine) => machine,
  group: { limits: LIMITS },
};

const ON_DISK: SimGroupsOptions<DiskMachine, number> = {
  machine: (_, { env }) => DiskMachine.open(env.indexes),
  replicated: (machine) => machine,
  group: { limits: LIMITS },
};

/** Machines on disk say what they keep; the others' hosts make snapshots. */
async function keep(groups: SimGroups<Machine, number>): Promise<void> {
  for (const { machine, group, computer } of groups.all) {
    if (!(machine instanceof DiskMachine) || !computer.isRunning) continue;
    await groups.settle(machine.keep().then((index) => group.compact(index)));
  }
}

function kind<M extends Machine>(name: string, options: SimGroupsOptions<M, number>): void {
  const start = (): Promise<SimGroups<Machine, number>> =>
    SimGroups.start([1, 2, 3], options) as unknown as Promise<SimGroups<Machine, number>>;

  describe(name, () => {
    test("has everything after a power cut of all members", async () => {
      await using groups = await start();
      const names: string[] = [];
      for (let at = 0; at < 120; at++) {
        names.push(`c${at}`);
        await groups.settle(groups.member(1 + (at % 3)).group.propose(utf8(names[at]!)));
        if (at % 40 === 30) await keep(groups);
      }
      for (const id of [1, 2, 3]) groups.crash(id);
      await groups.settle(Promise.all([1, 2, 3].map((id) => groups.revive(id))));
      for (const { group, machine } of groups.all) {
        await groups.settle(group.read());
        assert.deepEqual(machine.seen, names);
        assert.ok(group.status!.firstIndex > 20, "the log was given up");
      }
    });

    test("comes to a member that was away for longer than the log", async () => {
      await using groups = await start();
      const leader = await groups.leader();
      const away = groups.all.find(({ id }) => id !== leader.id)!.id;
      await groups.settle(leader.group.propose(utf8("first")));
      groups.crash(away);
      const names = ["first"];
      for (let at = 0; at < 120; at++) {
        names.push(`c${at}`);
        await groups.settle(leader.group.propose(utf8(names.at(-1)!)));
      }
      await keep(groups);
      await groups.elapse(500);
      const back = await groups.settle(groups.revive(away));
      await groups.settle(back.group.read());
      assert.deepEqual(back.machine.seen, names);
      assert.equal(back.machine.restores, 1);
      await groups.settle(back.group.propose(utf8("last")));
      assert.deepEqual(back.machine.seen, [...names, "last"]);
    });

    test("loses nothing that was answered, wherever power fails", async () => {
      for (let seed = 1; seed <= 3; seed++) await crashOften(start, seed);
    });
  });
}

/** One member after the other loses its power at a moment that the seed says, in the middle of whatever it does. */
async function crashOften(start: () => Promise<SimGroups<Machine, number>>, seed: number): Promise<void> {
  const prng = new Prng(seed);
  await using groups = await start();
  const answered: string[] = [];
  for (let round = 0; round < 12; round++) {
    const victim = 1 + prng.below(3);
    const proposer = groups.member(1 + (victim % 3));
    const open = Array.from({ length: 12 }, (_, at) => {
      const name = `${round}-${at}`;
      return proposer.group.propose(utf8(name)).then(
        () => void answered.push(name),
        () => {},
      );
    });
    if (prng.chance(0.5)) void keepSoon(groups);
    await groups.elapse(prng.unit() * 6);
    groups.crash(victim);
    if (prng.chance(0.3)) await groups.elapse(3000);
    await groups.settle(groups.revive(victim));
    await groups.settle(Promise.all(open));
  }
  for (const { group, machine } of groups.all) {
    await groups.settle(group.read());
    const seen = new Set(machine.seen);
    assert.deepEqual(
      answered.filter((name) => !seen.has(name)),
      [],
      `seed ${seed}: answered and gone`,
    );
    assert.deepEqual(machine.seen, groups.member(1).machine.seen, `seed ${seed}: members differ`);
    assert.equal(seen.size, machine.seen.length, `seed ${seed}: applied twice`);
  }
  assert.ok(answered.length > 60, `seed ${seed}: only ${answered.length} were answered`);
}

/** Without waiting: power may fail in the middle of it. */
async function keepSoon(groups: SimGroups<Machine, number>): Promise<void> {
  for (const { machine, group } of groups.all) {
    if (machine instanceof DiskMachine) {
      machine
        .keep()
        .then((index) => group.compact(index))
        .catch(() => {});
    }
  }
}

kind("a machine in memory", { ...NAMES, group: { limits: LIMITS } });
kind("a machine with concurrent reads", CONCURRENT);
kind("a machine on disk", ON_DISK);

describe("a machine with concurrent reads", () => {
  test("is read for a snapshot while entries are applied", async () => {
    await using groups = await SimGroups.start([1], CONCURRENT);
    const { group, machine } = groups.member(1);
    for (let at = 0; at < 200; at++) await groups.settle(group.propose(utf8(`c${at}`)));
    assert.ok(machine.overtaken > 0);
  });
});
