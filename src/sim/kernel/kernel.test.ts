import { deepEqual, equal, match, notEqual, ok, rejects } from "node:assert/strict";
import { describe, test } from "node:test";
import { assert } from "../../std/assert.ts";
import { hasCode } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { chosenText, drawPlan, parseChosenFaults } from "./fault-plan.ts";
import { ALL_FAULT_KINDS } from "./faults.ts";
import { History } from "./history.ts";
import { investigate } from "./investigate.ts";
import { failureLines, replayCommand } from "./report.ts";
import { runSeed } from "./run-seed.ts";
import { toyWorkload } from "./testing/toy.ts";
import { Trace, traceText } from "./trace.ts";

const TOY = toyWorkload();

/** The first seed that fails with a bug, and how. */
async function failing(bug: string) {
  for (let seed = 1; ; seed++) {
    const result = await runSeed(TOY, { seed, bugs: [bug] });
    if (result.failure !== undefined) return { seed, result };
    ok(seed < 40, `no seed fails with ${bug}`);
  }
}

describe("one seed", () => {
  test("does the same again, traced or not, and another seed does something else", async () => {
    const first = await runSeed(TOY, { seed: 5 });
    const again = await runSeed(TOY, { seed: 5, trace: new Trace(10) });
    const other = await runSeed(TOY, { seed: 6 });
    equal(first.failure, undefined);
    equal(again.traceHash, first.traceHash);
    deepEqual(again.counts, first.counts);
    notEqual(other.traceHash, first.traceHash);
  });

  test("draws its own size, faults and knobs", async () => {
    const drawn = [];
    for (let seed = 1; seed <= 12; seed++) drawn.push((await runSeed(TOY, { seed, seconds: 1 })).configuration);
    ok(new Set(drawn.map(({ nodes }) => nodes)).size > 1);
    ok(new Set(drawn.map(({ kinds }) => kinds.join())).size > 3);
    ok(new Set(drawn.map(({ knobs }) => JSON.stringify(knobs))).size > 3);
  });

  test("plays chosen faults only, and none at all", async () => {
    const { plan } = await runSeed(TOY, { seed: 5 });
    ok(plan.length > 3);
    const some = await runSeed(TOY, { seed: 5, faults: parseChosenFaults("2,1:40") });
    deepEqual(some.faults, [{ ...plan[0], durationMillis: 40 }, plan[1]]);
    const none = await runSeed(TOY, { seed: 5, faults: parseChosenFaults("none") });
    equal(none.counts["faults played"], 0);
  });

  test("refuses a bug or a fault that it does not have", async () => {
    await rejects(runSeed(TOY, { seed: 1, bugs: ["other"] }), (error) => hasCode(error, "BUG_UNKNOWN"));
    const faults = parseChosenFaults("9999");
    await rejects(runSeed(TOY, { seed: 1, faults }), (error) => hasCode(error, "FAULTS_INVALID"));
    for (const wrong of ["x", "1,", "1:2:3", "-1"]) {
      let code = "";
      try {
        parseChosenFaults(wrong);
      } catch (error) {
        code = (error as { code: string }).code;
      }
      equal(code, "FAULTS_INVALID");
    }
  });

  test("fails where a healed cluster does not reach its goal", async () => {
    const { failure, phase } = await runSeed(TOY, { seed: 2, bugs: ["stuck"] });
    equal(failure?.violation.invariant, "a healed cluster makes no progress");
    equal(failure?.violation.detail, "nobody greets");
    equal(phase, "recovery");
  });

  test("runs without promises when the workload makes none, with the same outcome", async () => {
    const asynchronous = await runSeed(TOY, { seed: 5 });
    const synchronous = await runSeed(toyWorkload({ isSynchronous: true }), { seed: 5 });
    equal(synchronous.traceHash, asynchronous.traceHash);
  });

  test("passes over faults that the workload does not permit", async () => {
    const spared = toyWorkload({}, { permits: () => false });
    const { counts } = await runSeed(spared, { seed: 5 });
    equal(counts["faults played"], 0);
    ok(counts["faults passed over"]! > 0);
  });
});

describe("a node's process", () => {
  const quiet = { nodes: [1, 1], faults: {}, seconds: 5, recoverySeconds: 0 } as const;

  test("that gives up on its disk is started again; one that fails an assertion is a violation", async () => {
    const starts: number[] = [];
    const full = toyWorkload(quiet, {
      start: async (node) => {
        starts.push(node.starts);
        await node.env.disk.open("missing", "read");
      },
    });
    const { failure } = await runSeed(full, { seed: 1 });
    ok(starts.length > 2);
    deepEqual(starts.slice(0, 3), [1, 2, 3]);
    equal(failure?.violation.invariant, "a healed cluster makes no progress");
    const wrong = toyWorkload(quiet, {
      start: (node) => {
        node.env.timers.after(7, () => assert(node.id === 2, "this is the second node"));
      },
    });
    const broken = await runSeed(wrong, { seed: 1 });
    deepEqual([broken.failure?.violation.invariant, broken.failure?.atMillis], ["this is the second node", 7]);
  });

  test("has no effect on anything after its end", async () => {
    const heard: string[] = [];
    const workload = toyWorkload(
      { ...quiet, nodes: [2, 2] },
      {
        start: (node) => {
          node.receive((from) => heard.push(`${from} to ${node.id} in start ${node.starts}`));
          if (node.id !== 1 || node.starts > 1) return;
          node.exit("is tired");
          node.send(2, new Uint8Array(1));
          node.env.timers.after(1, () => heard.push("a timer of the dead"));
        },
      },
    );
    await runSeed(workload, { seed: 1 });
    deepEqual(heard, []);
  });

  test("is told of a lost disk, and finds it empty", async () => {
    const seen: string[] = [];
    const workload = toyWorkload(
      { ...quiet, faults: { "lost-disk": {} }, meanGapMillis: [500, 500] },
      {
        start: async (node) => {
          const files = await node.env.disk.list("");
          seen.push(`${node.hasLostDisk} ${files.length}`);
          const file = await node.env.disk.open("kept", "create");
          await file.sync();
          await node.env.disk.syncDirectory("");
        },
      },
    );
    for (let seed = 1; !seen.includes("true 0"); seed++) {
      ok(seed < 20);
      await runSeed(workload, { seed });
    }
    ok(seen.every((one) => one === "false 0" || one === "true 0"));
  });
});

describe("a failed seed", () => {
  test("is shrunk to the faults that it takes, and told with a command that plays it again", async () => {
    const { seed, result } = await failing("frail");
    const report = await investigate(TOY, result, { seed, bugs: ["frail"] });
    const { shrunk } = report;
    equal(shrunk?.result.failure?.violation.invariant, "a dead node greets");
    equal(shrunk?.result.faults.length, 1);
    equal(shrunk?.result.faults[0]?.kind, "crash");
    ok(shrunk!.result.faults[0]!.durationMillis <= result.plan[shrunk!.result.faults[0]!.id - 1]!.durationMillis);
    equal(report.isRepeatable, true);
    const lines = failureLines(report).join("\n");
    match(lines, /^seed \d+ of toy failed: a dead node greets\.\n {2}hello from 1\n/);
    match(lines, /violate {2}a dead node greets/);
    const command = replayCommand(report);
    match(command, /^ashlar sim toy --seed \d+ --bug frail --faults \d+(:\d+)? --trace$/);
    const faults = parseChosenFaults(command.split("--faults ")[1]!.split(" ")[0]!);
    const again = await runSeed(TOY, { seed, bugs: ["frail"], faults });
    equal(again.traceHash, shrunk?.result.traceHash);
  });

  test("is searched for a smaller schedule within a bound", async () => {
    const { seed, result } = await failing("frail");
    const { shrunk } = await investigate(TOY, result, { seed, bugs: ["frail"] }, { runsMax: 2 });
    ok(shrunk!.runs <= 3);
    equal(shrunk!.isMinimal, false);
    const plain = await investigate(TOY, result, { seed, bugs: ["frail"] }, { shrinks: false });
    equal(plain.shrunk, undefined);
  });
});

describe("a schedule of faults", () => {
  const options = { nodes: 5, kinds: ALL_FAULT_KINDS, meanGapMillis: 500, tunings: {} };

  test("of a longer run begins with that of a shorter one", () => {
    const short = drawPlan(new Prng(3), { ...options, millis: 10_000 });
    const long = drawPlan(new Prng(3), { ...options, millis: 60_000 });
    ok(short.length > 5 && long.length > short.length);
    deepEqual(long.slice(0, short.length), short);
  });

  test("keeps to the lengths and nodes that it is given", () => {
    const tunings = { pause: { millis: [5, 6] as const } };
    const plan = drawPlan(new Prng(4), { ...options, kinds: ["pause"], tunings, millis: 100_000 });
    ok(
      plan.every(
        ({ durationMillis, node, peer }) => durationMillis >= 5 && durationMillis <= 6 && node <= 5 && peer <= 5,
      ),
    );
    ok(plan.every(({ node, peer }) => node !== peer));
    deepEqual(drawPlan(new Prng(4), { ...options, kinds: [], millis: 1_000 }), []);
  });

  test("is named by numbers, with a length where that was changed", () => {
    const plan = drawPlan(new Prng(3), { ...options, millis: 10_000 });
    equal(chosenText(plan, []), "none");
    equal(chosenText(plan, [plan[2]!, { ...plan[4]!, durationMillis: 11 }]), "3,5:11");
  });
});

describe("what is recorded", () => {
  test("a trace keeps its last lines and hands each of them on", () => {
    const heard: string[] = [];
    const trace = new Trace(2, ({ what }) => heard.push(what));
    for (const what of ["a", "b", "c"]) trace.add({ timeMillis: 1_234.5, who: "n1", kind: "send", what });
    deepEqual(heard, ["a", "b", "c"]);
    deepEqual(
      trace.lines.map(({ what }) => what),
      ["b", "c"],
    );
    equal(traceText(trace.lines[0]!), "0001.234500  n1  send     b");
  });

  test("a history orders events as they came, and leaves open what has not ended", () => {
    let millis = 1;
    const history = new History(() => millis);
    const first = history.invoke(0, "write", 1);
    const second = history.invoke(1, "read");
    millis = 2;
    first.ok();
    history.invoke(2, "write", 3).unknown("lost");
    second.fail();
    deepEqual(
      history.operations.map(({ start, end, outcome }) => [start, end, outcome]),
      [
        [0, 2, "ok"],
        [1, 4, "fail"],
        [3, Number.POSITIVE_INFINITY, "unknown"],
      ],
    );
  });
});
