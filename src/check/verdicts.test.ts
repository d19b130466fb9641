import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hasCode } from "../std/errors.ts";
import { type CheckedModel, type Consistency, checkHistory } from "./check-history.ts";
import { historyOf, serially } from "./testing/notation.ts";

// Histories made by hand, good and bad ones of every model. A bad one names its anomaly and how many operations show it.

type Expected = "ok" | readonly [anomaly: string, operations: number];

function verdicts(
  model: CheckedModel,
  consistency: Consistency,
  cases: readonly (readonly [name: string, notation: string, expected: Expected])[],
): void {
  describe(`${model}, ${consistency}`, () => {
    for (const [name, notation, expected] of cases) {
      test(`${expected === "ok" ? "allows" : "refuses"} ${name}`, () => {
        const verdict = checkHistory(historyOf(notation), { model, consistency });
        if (expected === "ok") return assert.equal(verdict.verdict, "ok");
        assert.ok(verdict.verdict === "violation", verdict.verdict);
        assert.deepEqual([verdict.anomaly, verdict.operations.length], expected);
        assert.ok(verdict.explanation.length > 0);
      });
    }
  });
}

const STALE_READ = serially("0 write 1", "0 write 2", "1 read -> 1");
const LINEAR = "linearizability";

verdicts("register", "linearizable", [
  ["nothing", "", "ok"],
  ["a read of the first value, null", serially("0 read -> null"), "ok"],
  ["a read of what was written", serially("0 write 1", "1 read -> 1"), "ok"],
  ["a read of a write that is going on", "0 invoke write 1\n1 invoke read\n1 ok 1\n0 ok", "ok"],
  [
    "a read of a write that is known to nobody",
    `0 invoke write 1\n0 info\n${serially("1 read -> null", "1 read -> 1")}`,
    "ok",
  ],
  ["values that are objects", serially('0 write {"b":1,"a":2}', '1 read -> {"a":2,"b":1}'), "ok"],
  ["a failed write that nobody sees", `0 invoke write 1\n0 fail\n${serially("1 read -> null")}`, "ok"],
  ["a stale read", STALE_READ, [LINEAR, 3]],
  ["a value out of nowhere", serially("0 write 1", "1 read -> 7"), [LINEAR, 1]],
  ["a read of a failed write", `0 invoke write 1\n0 fail\n${serially("1 read -> 1")}`, [LINEAR, 1]],
  ["a read before its write", serially("1 read -> 1", "0 write 1"), [LINEAR, 1]],
  ["a lost write", serially("0 write 1", "1 read -> null"), [LINEAR, 2]],
  [
    "two readers who see two writes in different orders",
    `0 invoke write 1\n1 invoke write 2\n${serially("2 read -> 1", "3 read -> 2", "2 read -> 1")}\n0 ok\n1 ok`,
    [LINEAR, 5],
  ],
]);

verdicts("cas-register", "linearizable", [
  ["a cas that finds its value", serially("0 write 1", "1 cas [1,2]", "0 read -> 2"), "ok"],
  ["a cas from null", serially("0 cas [null,2]", "0 read -> 2"), "ok"],
  ["a cas that fails on another value", `${serially("0 write 1")}\n1 invoke cas [2,3]\n1 fail`, "ok"],
  [
    "a cas of unknown outcome that took effect",
    `${serially("0 write 1")}\n1 invoke cas [1,3]\n1 info\n${serially("0 read -> 3")}`,
    "ok",
  ],
  ["a cas that finds what is not there", serially("0 write 1", "1 cas [2,3]"), [LINEAR, 1]],
  ["a cas that fails on its own value", `${serially("0 write 1")}\n1 invoke cas [1,3]\n1 fail`, [LINEAR, 2]],
  ["two cas that find one value", serially("0 write 1", "1 cas [1,2]", "2 cas [1,3]"), [LINEAR, 3]],
  [
    "a failed cas that took effect",
    `${serially("0 write 1")}\n1 invoke cas [2,3]\n1 fail\n${serially("0 read -> 3")}`,
    [LINEAR, 1],
  ],
]);

verdicts("kv", "linearizable", [
  [
    "keys that have nothing to do with each other",
    serially("0 put@x 1", "0 put@y 2", "1 get@x -> 1", "1 get@y -> 2"),
    "ok",
  ],
  ["text that is appended", serially('0 append@x "a"', '1 append@x "b"', '0 get@x -> "ab"'), "ok"],
  ["a deleted key that is null", serially("0 put@x 1", "0 delete@x", "1 get@x -> null"), "ok"],
  ["a cas on a key", serially("0 put@x 1", "1 cas@x [1,2]", "0 get@x -> 2"), "ok"],
  ["a lost append", serially('0 append@x "a"', '1 append@x "b"', '0 get@x -> "b"'), [LINEAR, 2]],
  ["a deleted key that comes back", serially("0 put@x 1", "0 delete@x", "1 get@x -> 1"), [LINEAR, 3]],
  ["a value under another key", serially("0 put@x 1", "1 get@y -> 1"), [LINEAR, 1]],
]);

verdicts("mutex", "linearizable", [
  ["holders one after the other", serially("0 acquire", "0 release", "1 acquire"), "ok"],
  ["a try that fails", `${serially("0 acquire")}\n1 invoke acquire\n1 fail\n${serially("0 release")}`, "ok"],
  ["a wait for the holder", "0 invoke acquire\n0 ok\n1 invoke acquire\n0 invoke release\n1 ok\n0 ok", "ok"],
  [
    "a release that was lost, then the next holder",
    `${serially("0 acquire")}\n0 invoke release\n0 info\n${serially("1 acquire")}`,
    "ok",
  ],
  ["two holders at once", serially("0 acquire", "1 acquire"), [LINEAR, 2]],
  ["a release by another one", serially("0 acquire", "1 release"), [LINEAR, 1]],
  ["a release of a free lock", serially("0 release"), [LINEAR, 1]],
]);

verdicts("fenced-mutex", "linearizable", [
  [
    "a lease that ended unseen: a second holder with a greater token",
    serially("0 acquire -> 1", "1 acquire -> 2"),
    "ok",
  ],
  [
    "guarded writes in the order of tokens",
    serially("0 acquire -> 1", "0 write 1", "1 acquire -> 2", "1 write 2"),
    "ok",
  ],
  [
    "an old holder's write that is refused",
    `${serially("0 acquire -> 1", "1 acquire -> 2", "1 write 2")}\n0 invoke write 1\n0 fail`,
    "ok",
  ],
  [
    "an acquire whose token nobody learned",
    `0 invoke acquire\n0 info\n${serially("1 acquire -> 2", "1 release")}`,
    "ok",
  ],
  ["a token that is given twice", serially("0 acquire -> 1", "0 release", "1 acquire -> 1"), [LINEAR, 2]],
  ["a token that goes back", serially("0 acquire -> 5", "0 release", "1 acquire -> 4"), [LINEAR, 2]],
  [
    "an old holder's write after a newer one's",
    serially("0 acquire -> 1", "1 acquire -> 2", "1 write 2", "0 write 1"),
    [LINEAR, 2],
  ],
  ["a release by one whose lease has ended", serially("0 acquire -> 1", "1 acquire -> 2", "0 release"), [LINEAR, 3]],
]);

verdicts("queue", "linearizable", [
  ["first in, first out", serially("0 enqueue 1", "0 enqueue 2", "1 dequeue -> 1", "1 dequeue -> 2"), "ok"],
  ["an empty queue", serially("0 dequeue -> null", "0 enqueue 1", "0 dequeue -> 1", "0 dequeue -> null"), "ok"],
  [
    "two at once, in either order",
    `0 invoke enqueue 1\n1 invoke enqueue 2\n0 ok\n1 ok\n${serially("0 dequeue -> 2", "0 dequeue -> 1")}`,
    "ok",
  ],
  [
    "an unknown dequeue that took one",
    `${serially("0 enqueue 1", "0 enqueue 2")}\n1 invoke dequeue\n1 info\n${serially("0 dequeue -> 2")}`,
    "ok",
  ],
  ["last in, first out", serially("0 enqueue 1", "0 enqueue 2", "1 dequeue -> 2"), [LINEAR, 3]],
  ["one that comes twice", serially("0 enqueue 1", "1 dequeue -> 1", "1 dequeue -> 1"), [LINEAR, 3]],
  ["one that nobody sent", serially("0 enqueue 1", "1 dequeue -> 7"), [LINEAR, 1]],
  ["one that is lost", serially("0 enqueue 1", "1 dequeue -> null"), [LINEAR, 2]],
]);

verdicts("register", "sequential", [
  ["a stale read of another process", STALE_READ, "ok"],
  ["a process that does not see its own write", serially("0 write 1", "0 read -> null"), ["sequential consistency", 2]],
  [
    "two readers who see two writes in different orders",
    serially("0 write 1", "1 write 2", "2 read -> 1", "2 read -> 2", "3 read -> 2", "3 read -> 1"),
    ["sequential consistency", 6],
  ],
]);

verdicts("kv", "sequential", [
  [
    "objects whose own orders do not fit each other",
    serially("0 put@x 1", "0 get@y -> null", "1 put@y 1", "1 get@x -> null"),
    ["sequential consistency", 4],
  ],
]);

verdicts("queue", "sequential", [
  ["a dequeue that is late", serially("0 enqueue 1", "1 dequeue -> null", "1 dequeue -> 1"), "ok"],
  [
    "a process whose own values change places",
    serially("0 enqueue 1", "0 enqueue 2", "0 dequeue -> 2"),
    ["sequential consistency", 3],
  ],
]);

verdicts("kv", "causal", [
  [
    "two readers who see unrelated writes in different orders",
    serially("0 put@x 1", "1 put@x 2", "2 get@x -> 1", "2 get@x -> 2", "3 get@x -> 2", "3 get@x -> 1"),
    "ok",
  ],
  [
    "an effect that is seen without its cause",
    serially("0 put@x 1", "1 get@x -> 1", "1 put@y 2", "2 get@y -> 2", "2 get@x -> null"),
    ["causal consistency", 5],
  ],
  ["a value out of nowhere", serially("0 get@x -> 1"), ["causal consistency", 1]],
  ["a process that forgets its own write", serially("0 put@x 1", "0 get@x -> null"), ["causal consistency", 2]],
]);

verdicts("register", "sessions", [
  ["a session that is behind, but goes on", serially("0 write 1", "0 write 2", "1 read -> 1", "1 read -> 2"), "ok"],
  ["a session that does not see its own write", serially("0 write 1", "0 read -> null"), ["read your writes", 2]],
  ["a session that goes back", serially("0 write 1", "1 read -> 1", "1 read -> null"), ["monotonic reads", 3]],
  [
    "writes of a session that are seen in another order",
    serially("0 write 1", "0 write 2", "1 read -> 2", "1 read -> 1"),
    ["monotonic reads, monotonic writes", 4],
  ],
  [
    "a write that is seen before what its session had read",
    serially("0 write 1", "1 read -> 1", "1 write 2", "2 read -> 2", "2 read -> 1"),
    ["monotonic reads, writes follow reads", 4],
  ],
]);

verdicts("register", "convergence", [
  [
    "stale reads before all agree",
    serially("0 write 1", "0 write 2", "1 read -> 1", "1 read -> 2", "2 read -> 2"),
    "ok",
  ],
  ["reads during a write", "0 invoke write 1\n1 invoke read\n2 invoke read\n1 ok 1\n2 ok null\n0 ok", "ok"],
  ["replicas that stay apart", serially("0 write 1", "0 write 2", "1 read -> 1", "2 read -> 2"), ["convergence", 2]],
  ["agreement on what nobody wrote", serially("0 write 1", "1 read -> 3", "2 read -> 3"), ["convergence", 1]],
]);

const txn = (process: number, asked: string, done: string = asked): string =>
  `${process} invoke txn ${asked}\n${process} ok ${done}`;

verdicts("list-append", "serializable", [
  [
    "transactions one after the other",
    `${txn(0, '[["append","x",1]]')}\n${txn(1, '[["r","x",null],["append","x",2]]', '[["r","x",[1]],["append","x",2]]')}`,
    "ok",
  ],
  ["a stale read", `${txn(0, '[["append","x",1]]')}\n${txn(1, '[["r","x",null]]', '[["r","x",[]]]')}`, "ok"],
  [
    "G0: two transactions whose appends are woven",
    [
      txn(0, '[["append","x",1],["append","y",1]]'),
      txn(1, '[["append","x",2],["append","y",2]]'),
      txn(2, '[["r","x",null],["r","y",null]]', '[["r","x",[1,2]],["r","y",[2,1]]]'),
    ].join("\n"),
    ["G0", 2],
  ],
  [
    "G1a: a read of what failed",
    `0 invoke txn [["append","x",1]]\n0 fail\n${txn(1, '[["r","x",null]]', '[["r","x",[1]]]')}`,
    ["G1a", 2],
  ],
  [
    "G1b: a read from the middle of another",
    `${txn(0, '[["append","x",1],["append","x",2]]')}\n${txn(1, '[["r","x",null]]', '[["r","x",[1]]]')}`,
    ["G1b", 2],
  ],
  [
    "G1c: two transactions that see each other's appends",
    [
      txn(0, '[["append","x",1],["r","y",null]]', '[["append","x",1],["r","y",[1]]]'),
      txn(1, '[["append","y",1],["r","x",null]]', '[["append","y",1],["r","x",[1]]]'),
    ].join("\n"),
    ["G1c", 2],
  ],
  [
    "G-single: a reader who sees one append of a transaction and not the other",
    [
      txn(0, '[["append","x",1],["append","y",1]]'),
      txn(1, '[["r","x",null],["r","y",null]]', '[["r","x",[]],["r","y",[1]]]'),
      txn(2, '[["r","x",null]]', '[["r","x",[1]]]'),
    ].join("\n"),
    ["G-single", 2],
  ],
  [
    "G2: write skew",
    [
      txn(0, '[["r","x",null],["append","y",1]]', '[["r","x",[]],["append","y",1]]'),
      txn(1, '[["r","y",null],["append","x",1]]', '[["r","y",[]],["append","x",1]]'),
    ].join("\n"),
    ["G2", 2],
  ],
  ["an element that nobody appended", txn(0, '[["r","x",null]]', '[["r","x",[9]]]'), ["garbage", 1]],
  [
    "an element that is there twice",
    `${txn(0, '[["append","x",1]]')}\n${txn(1, '[["r","x",null]]', '[["r","x",[1,1]]]')}`,
    ["duplicate", 1],
  ],
  [
    "reads that are no beginnings of each other",
    `${txn(0, '[["append","x",1]]')}\n${txn(1, '[["append","x",2]]')}\n${txn(2, '[["r","x",null]]', '[["r","x",[1,2]]]')}\n${txn(3, '[["r","x",null]]', '[["r","x",[2]]]')}`,
    ["incompatible-order", 2],
  ],
  [
    "a transaction that does not see its own append",
    txn(0, '[["append","x",1],["r","x",null]]', '[["append","x",1],["r","x",[]]]'),
    ["internal", 1],
  ],
]);

const SKEW = [
  txn(0, '[["r","x",null],["append","y",1]]', '[["r","x",[]],["append","y",1]]'),
  txn(1, '[["r","y",null],["append","x",1]]', '[["r","y",[]],["append","x",1]]'),
].join("\n");
const LATE = `${txn(0, '[["append","x",1]]')}\n${txn(1, '[["r","x",null]]', '[["r","x",[]]]')}\n${txn(2, '[["r","x",null]]', '[["r","x",[1]]]')}`;
const LATE_SELF = `${txn(0, '[["append","x",1]]')}\n${txn(0, '[["r","x",null]]', '[["r","x",[]]]')}\n${txn(1, '[["r","x",null]]', '[["r","x",[1]]]')}`;

verdicts("list-append", "snapshot-isolation", [["write skew", SKEW, "ok"]]);
verdicts("list-append", "strict-serializable", [["a stale read", LATE, ["G-single-realtime", 2]]]);
verdicts("list-append", "session-serializable", [
  ["a stale read of another process", LATE, "ok"],
  ["a stale read of its own process", LATE_SELF, ["G-single-process", 2]],
]);
verdicts("list-append", "read-committed", [["a stale read", LATE, "ok"]]);

describe("what can not be checked", () => {
  const refused =
    (code: "HISTORY_FUNCTION" | "HISTORY_VALUE" | "HISTORY_MALFORMED" | "CHECK_UNSUPPORTED") => (error: unknown) =>
      hasCode(error, code);

  test("a function that the model does not have", () => {
    const operations = historyOf(serially("0 write 1", "0 cas [1,2]"));
    assert.throws(() => checkHistory(operations, { model: "register" }), refused("HISTORY_FUNCTION"));
    assert.throws(() => checkHistory(operations, { model: "list-append" }), refused("HISTORY_FUNCTION"));
  });

  test("a value that the function does not take", () => {
    const check = (model: CheckedModel, notation: string): void => {
      assert.throws(() => checkHistory(historyOf(notation), { model }), refused("HISTORY_VALUE"), notation);
    };
    check("cas-register", serially("0 cas 1"));
    check("kv", serially("0 append@x 1"));
    check("fenced-mutex", serially('0 acquire -> "a"'));
    check("fenced-mutex", serially("0 write -1"));
    check("queue", serially("0 enqueue null"));
    check("list-append", serially('0 txn [["pop","x",1]]'));
    check("list-append", serially('0 txn [["append","x",1]] -> [["append","x",2]]'));
    check("list-append", serially('0 txn [["append","x",1],["append","x",1]] -> [["append","x",1],["append","x",1]]'));
    check("register", serially(`0 write ${"[".repeat(200)}${"]".repeat(200)}`));
  });

  test("an operation on a map that names no key", () => {
    assert.throws(() => checkHistory(historyOf(serially("0 put 1")), { model: "kv" }), refused("HISTORY_MALFORMED"));
  });

  test("a consistency that the model has not", () => {
    const operations = historyOf(serially("0 acquire"));
    for (const consistency of ["causal", "sessions", "serializable"] as const) {
      assert.throws(() => checkHistory(operations, { model: "mutex", consistency }), refused("CHECK_UNSUPPORTED"));
    }
    const cas = historyOf(serially("0 cas [null,1]"));
    assert.throws(
      () => checkHistory(cas, { model: "cas-register", consistency: "causal" }),
      refused("CHECK_UNSUPPORTED"),
    );
  });

  test("a convergence that a write of unknown outcome may still change", () => {
    const operations = historyOf(`0 invoke write 1\n0 info\n${serially("1 read -> null", "2 read -> 1")}`);
    assert.equal(checkHistory(operations, { model: "register", consistency: "convergence" }).verdict, "unknown");
  });
});
