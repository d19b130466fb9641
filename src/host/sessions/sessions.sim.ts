import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EMPTY, text, utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { simulationSeeds } from "../../testing/seeds.ts";
import { hostFailure } from "../errors.ts";
import { type MemoryMachine, memoryMachine } from "../memory-machine.ts";
import { SimGroups, type SimGroupsOptions } from "../testing/sim-groups.ts";
import { ClientSession, type SessionOptions } from "./client.ts";

// Exactly once: clients outside of the group increment a counter, each through whatever member it finds, while members
// lose their power and the network is cut. In the end the counter is the number of increments that were answered, plus
// at most those whose client gave up; and nobody was given the same number twice.

const CLIENTS = 4;
const ROUNDS = 30;
const ROUND_MILLIS_MAX = 1500;

class Counter implements MemoryMachine<number> {
  value = 0;

  apply(): number {
    return ++this.value;
  }

  snapshot(): Uint8Array {
    return utf8(String(this.value));
  }

  restore(bytes: Uint8Array): void {
    this.value = Number(text(bytes));
  }
}

async function runSeed(seed: number): Promise<string> {
  const prng = new Prng(seed);
  const options: SimGroupsOptions<Counter, number> = {
    machine: () => new Counter(),
    replicated: memoryMachine,
    group: { sessions: true, limits: { timeoutTicks: 20, snapshotLogBytesMin: 4000 } },
    seed,
  };
  await using groups = await SimGroups.start([1, 2, 3], options);
  const given: number[] = [];
  const counts = { answered: 0, unknown: 0 };
  let isOver = false;
  const clients = Array.from({ length: CLIENTS }, () => {
    return runClient(groups, prng.fork(), () => isOver, given, counts);
  });
  const down = new Set<number>();
  for (let round = 0; round < ROUNDS; round++) {
    await groups.elapse(prng.unit() * ROUND_MILLIS_MAX);
    const id = 1 + prng.below(3);
    if (down.has(id)) {
      down.delete(id);
      await groups.settle(groups.revive(id));
    } else if (prng.chance(0.5) && down.size === 0) {
      down.add(id);
      groups.crash(id);
    } else if (prng.chance(0.5)) {
      groups.network.isolate(id);
    } else {
      groups.network.heal();
    }
  }
  groups.network.heal();
  for (const id of down) await groups.settle(groups.revive(id));
  await groups.elapse(5000);
  isOver = true;
  await groups.settle(Promise.all(clients));
  const { group, machine } = await groups.leader();
  await groups.settle(group.read());
  const { answered, unknown } = counts;
  assert.ok(answered > 20, `seed ${seed}: only ${answered} increments were answered`);
  assert.ok(machine.value >= answered, `seed ${seed}: ${answered} answered, the counter says ${machine.value}`);
  assert.ok(machine.value <= answered + unknown, `seed ${seed}: ${answered} + ${unknown}, but ${machine.value}`);
  assert.equal(new Set(given).size, given.length, `seed ${seed}: a number was given twice`);
  return groups.scheduler.traceHash;
}

async function runClient(
  groups: SimGroups<Counter, number>,
  prng: Prng,
  isOver: () => boolean,
  given: number[],
  counts: { answered: number; unknown: number },
): Promise<void> {
  const timers = {
    after: (millis: number, run: () => void) => groups.scheduler.after(millis, "client", run),
    endOfTurn: (run: () => void) => void groups.scheduler.after(0, "client", run),
  };
  const beginning: SessionOptions<number> = {
    timers,
    // Short enough that some give up.
    limits: { timeoutMillis: 8000, windowMax: 8 },
    async propose(command, { signal }) {
      const running = groups.all.filter(({ computer }) => computer.isRunning);
      if (running.length === 0) throw hostFailure("NO_LEADER");
      const { group, computer } = prng.pick(running);
      const patience = Promise.withResolvers<never>();
      const timer = timers.after(1500, () => patience.reject(hostFailure("OUTCOME_UNKNOWN")));
      try {
        const outcome = await Promise.race([group.proposeForSession(command, { signal }), patience.promise]);
        // The answer is lost now and then, and with a computer that died meanwhile.
        if (prng.chance(0.1) || !computer.isRunning) throw hostFailure("OUTCOME_UNKNOWN");
        return outcome;
      } catch (error) {
        if (hasCode(error, "STOPPED")) throw hostFailure("OUTCOME_UNKNOWN");
        throw error;
      } finally {
        timer.cancel();
      }
    },
  };
  const session = await beginSession(beginning);
  while (!isOver()) {
    await Promise.all(
      Array.from({ length: 1 + prng.below(3) }, async () => {
        try {
          given.push(await session.propose(EMPTY));
          counts.answered++;
        } catch (error) {
          assert.ok(hasCode(error, "OUTCOME_UNKNOWN") || hasCode(error, "NO_LEADER"), String(error));
          if (hasCode(error, "OUTCOME_UNKNOWN")) counts.unknown++;
        }
      }),
    );
    await new Promise<void>((resolve) => void timers.after(prng.below(100), resolve));
  }
}

/** A session that nobody knows to have begun is left to its fate, and another one is begun. */
async function beginSession(options: SessionOptions<number>): Promise<ClientSession<number>> {
  for (;;) {
    try {
      return await ClientSession.begin<number>(options);
    } catch (error) {
      assert.ok(hasCode(error, "OUTCOME_UNKNOWN") || hasCode(error, "NO_LEADER"), String(error));
    }
  }
}

describe("sessions under crashes", () => {
  for (const seed of simulationSeeds(8)) {
    test(`seed ${seed} applies every increment once`, async () => {
      assert.equal(await runSeed(seed), await runSeed(seed), `seed ${seed}: two runs differ`);
    });
  }
});
