import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Entry } from "../host/index.ts";
import { toHex } from "../std/bytes.ts";
import { Prng } from "../std/prng.ts";
import { type CommandResult, StoreMachine } from "./machine.ts";
import { decodeRow } from "./row-codec.ts";
import { allRows, dump, indexOf, newIndex, ObservedIndex } from "./testing/indexes.ts";
import { MachineModel } from "./testing/machine-model.ts";
import { randomEntries } from "./testing/random-commands.ts";

const SEEDS = 40;
const ENTRIES = 60;
/** None at all, as on a node that never splits, or many. */
const STEP_CHANCES = [0, 0.3];

function feedAll(machine: StoreMachine, entries: readonly Entry[], prng?: Prng): CommandResult[] {
  const results: CommandResult[] = [];
  for (let from = machine.appliedIndex; from < entries.length; ) {
    const to = from + (prng ? 1 + prng.below(10) : 1);
    results.push(...machine.apply(entries.slice(from, to)).flat());
    from = Math.min(to, entries.length);
  }
  return results;
}

describe("the same entries", () => {
  test("give the answers and the rows that a plain model gives", async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const entries = randomEntries(new Prng(seed), ENTRIES);
      const index = await newIndex();
      const machine = new StoreMachine({ index, group: 1 });
      const model = new MachineModel();
      const expected = entries.flatMap((entry) => entry.commands.map((command) => model.apply(command, entry.term)));
      assert.deepEqual(feedAll(machine, entries), expected, `seed ${seed}`);
      assert.equal(machine.revision, model.revision, `seed ${seed}`);
      const { writeLocks, checkLocks, decisions } = machine.prepared;
      assert.equal(decisions, model.transactions.decisions.size, `seed ${seed}`);
      assert.equal(writeLocks + checkLocks > 0, model.transactions.locks > 0, `seed ${seed}`);
      const rows = allRows(index).filter(({ key }) => key[0] !== 0);
      const stored = rows.map(({ key, value }) => {
        const row = decodeRow(key, value);
        return [toHex(key), { ...row, value: toHex(row.value) }];
      });
      assert.deepEqual(Object.fromEntries(stored), Object.fromEntries(model.rows), `seed ${seed}`);
    }
  });

  test("give equal results and byte-equal rows however they are cut into calls", async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const prng = new Prng(seed);
      const entries = randomEntries(prng, ENTRIES, prng.pick(STEP_CHANCES));
      const [single, cut] = [await newIndex(), await newIndex()];
      const singleResults = feedAll(new StoreMachine({ index: single, group: 1 }), entries);
      const cutResults = feedAll(new StoreMachine({ index: cut, group: 1 }), entries, prng);
      assert.deepEqual(cutResults, singleResults, `seed ${seed}`);
      assert.deepEqual(dump(cut), dump(single), `seed ${seed}`);
    }
  });

  test("replayed over any state in which a crash may leave the Index, give the same end", async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const prng = new Prng(seed);
      const entries = randomEntries(prng, ENTRIES, prng.pick(STEP_CHANCES));
      const index = new ObservedIndex(await newIndex());
      const results = feedAll(new StoreMachine({ index, group: 1 }), entries, prng);
      for (const state of [index.states[0]!, prng.pick(index.states), prng.pick(index.states), index.states.at(-1)!]) {
        const crashed = await indexOf(state);
        const machine = new StoreMachine({ index: crashed, group: 1 });
        const replayed = feedAll(machine, entries, prng);
        assert.deepEqual(replayed, results.slice(results.length - replayed.length), `seed ${seed}`);
        assert.deepEqual(dump(crashed), dump(index), `seed ${seed}`);
      }
    }
  });
});
