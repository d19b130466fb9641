import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SimClock, SimProcess, SimRandom, SimScheduler, SimTimers } from "../../env/sim/index.ts";
import { text, utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { type StoreErrorCode, storeFailure } from "../errors.ts";
import { decodeAddress } from "../key-codec.ts";
import { BareGroup } from "../testing/bare-group.ts";
import { absent, put, revision } from "../testing/machine-driver.ts";
import { prepareOf, row } from "../testing/transaction-commands.ts";
import { Coordinator } from "./coordinator.ts";
import type { TransactionOptions } from "./options.ts";
import type { SentCommand, TransactionResult } from "./participant.ts";

/** Groups by the first letter of a key, and a coordinator of them in virtual time. */
class Setting {
  readonly scheduler: SimScheduler = new SimScheduler();
  readonly groups: Map<string, BareGroup> = new Map();
  readonly coordinator: Coordinator;
  corrected = 0;

  constructor(options: Partial<TransactionOptions> = {}) {
    const clock = new SimClock(this.scheduler);
    const timers = new SimTimers(new SimProcess(this.scheduler, "node"), clock);
    const correct = async (): Promise<void> => void this.corrected++;
    const participants = { of: (key: Uint8Array) => this.group(text(decodeAddress(key).key)), correct };
    this.coordinator = new Coordinator({ clock, timers, random: new SimRandom(new Prng(1)), participants, options });
  }

  group(name: string): BareGroup {
    const letter = name.slice(0, 1);
    let group = this.groups.get(letter);
    if (group === undefined) this.groups.set(letter, (group = new BareGroup(this.groups.size + 1)));
    return group;
  }

  value(name: string): string | undefined {
    const stored = this.group(name).machine.row(row(name));
    return stored && text(stored.value);
  }

  settle<T>(promise: Promise<T>): Promise<T> {
    return this.scheduler.settle(promise, 120_000);
  }

  /** Lets everything end that is under way. */
  async rest(): Promise<void> {
    await this.scheduler.run(this.scheduler.nowMillis + 60_000);
  }

  get left(): number {
    let left = 0;
    for (const { machine } of this.groups.values()) {
      const { writeLocks, checkLocks, decisions } = machine.prepared;
      left += writeLocks + checkLocks + decisions;
    }
    return left;
  }
}

function fails(code: StoreErrorCode): (error: unknown) => boolean {
  return (error) => hasCode(error, code);
}

const lost = (): Promise<never> => Promise.reject(storeFailure("OUTCOME_UNKNOWN"));

describe("a commit over several groups", () => {
  test("writes all its rows at one revision and leaves nothing behind", async () => {
    const setting = new Setting();
    setting.group("b").apply({ kind: "grant", ttlMillis: 1000 });
    const commit = { checks: [absent("c")], puts: [put("a"), put("b")] };
    const result = await setting.settle(setting.coordinator.commit(commit));
    await setting.rest();
    assert.ok(result.committed);
    assert.deepEqual([setting.value("a"), setting.value("b"), setting.left], ["a", "b", 0]);
    for (const name of ["a", "b"]) assert.equal(setting.group(name).machine.row(row(name))!.revision, result.revision);
    assert.deepEqual(
      result.marks.map(({ id }) => id),
      [setting.group("a").id, setting.group("b").id, setting.group("c").id],
    );
    assert.equal(setting.coordinator.underWay, 0);
  });

  test("tells of all checks that did not hold by their place in the commit, and writes nothing", async () => {
    const setting = new Setting();
    await setting.settle(setting.coordinator.commit({ puts: [put("a"), put("b")] }));
    await setting.rest();
    const checks = [absent("b"), absent("c"), revision("a", 77), revision("b", 1), absent("a")];
    const result = await setting.settle(setting.coordinator.commit({ checks, puts: [put("c")] }));
    assert.ok(!result.committed);
    assert.deepEqual(result.failedChecks, [0, 2, 4]);
    await setting.rest();
    assert.deepEqual([setting.value("c"), setting.left], [undefined, 0]);
  });

  test("tries again while another one is in the way, and is refused at its deadline", async () => {
    const setting = new Setting({ resolveAfterMillis: 1_000_000 });
    setting.group("b").apply(prepareOf(9, "b", { puts: [put("b")] }, 0));
    const commit = { puts: [put("a"), put("b")] };
    const options = { withinMillis: 500 };
    await assert.rejects(setting.settle(setting.coordinator.commit(commit, options)), fails("DEADLINE_PASSED"));
    assert.equal(setting.group("a").machine.prepared.writeLocks, 0);
    const second = setting.coordinator.commit(commit);
    const gone = { kind: "finish", transaction: new Uint8Array(16).fill(9), revision: 0, keys: [row("b")] } as const;
    setting.scheduler.after(300, "test", () => void setting.group("b").apply({ ...gone, conflict: undefined }));
    assert.ok((await setting.settle(second)).committed);
  });

  test("aborts what is in its way and stays undecided", async () => {
    const setting = new Setting({ resolveAfterMillis: 300 });
    setting.group("b").apply(prepareOf(9, "c", { puts: [put("b", "dead")] }));
    setting.group("c").apply(prepareOf(9, "c", { puts: [put("c", "dead")] }, 0));
    assert.ok((await setting.settle(setting.coordinator.commit({ puts: [put("a"), put("b")] }))).committed);
    assert.deepEqual([setting.value("b"), setting.value("c")], ["b", undefined]);
  });

  test("whose decision gets no answer asks again, and is told what was decided", async () => {
    const setting = new Setting();
    let answers = 0;
    setting.group("a").wire = async (command, deliver) => {
      const result = deliver();
      return command.kind === "decide" && answers++ === 0 ? lost() : result;
    };
    const result = await setting.settle(setting.coordinator.commit({ puts: [put("a"), put("b")] }));
    assert.ok(result.committed);
    assert.equal(answers, 2);
    await setting.rest();
    assert.deepEqual([setting.value("b"), setting.left], ["b", 0]);
  });

  test("has an unknown outcome where its decision is never answered", async () => {
    const setting = new Setting();
    setting.group("a").wire = async (command, deliver) => (command.kind === "decide" ? lost() : deliver());
    const commit = setting.coordinator.commit({ puts: [put("a"), put("b")] }, { withinMillis: 2000 });
    await assert.rejects(setting.settle(commit), fails("OUTCOME_UNKNOWN"));
  });

  test("does not take a lost prepare for one that failed: it begins anew under another name", async () => {
    const setting = new Setting();
    let prepares = 0;
    setting.group("b").wire = async (command, deliver) => {
      const result = deliver();
      return command.kind === "prepare" && prepares++ === 0 ? lost() : result;
    };
    assert.ok((await setting.settle(setting.coordinator.commit({ puts: [put("a"), put("b")] }))).committed);
    const names = setting.group("b").sent.flatMap((one) => (one.kind === "prepare" ? [`${one.transaction}`] : []));
    assert.equal(new Set(names).size, 2);
    await setting.rest();
    assert.equal(setting.left, 0);
  });

  test("asks who serves its rows where a group does not, or not now", async () => {
    const setting = new Setting();
    let refusals = 2;
    const moving = { kind: "refused", code: "RANGE_MOVING" } as unknown as TransactionResult;
    setting.group("b").wire = async (command: SentCommand, deliver) =>
      command.kind === "prepare" && refusals-- > 0 ? moving : deliver();
    assert.ok((await setting.settle(setting.coordinator.commit({ puts: [put("a"), put("b")] }))).committed);
    assert.equal(setting.corrected, 2);
  });

  test("is answered from its request's first result, whatever became of the rows since", async () => {
    const setting = new Setting();
    const session = setting.group("a").apply({ kind: "grant", ttlMillis: 1000 });
    assert.ok(session.kind === "granted");
    const request = { session: session.lease, sequence: 1 };
    const commit = { checks: [absent("b")], puts: [put("a"), put("b")], request };
    const first = await setting.settle(setting.coordinator.commit(commit));
    await setting.rest();
    const again = await setting.settle(setting.coordinator.commit(commit));
    assert.ok(first.committed && again.committed);
    assert.equal(again.revision, first.revision);
    const conflict = { checks: [absent("b")], puts: [put("a")], request: { ...request, sequence: 2 } };
    const refused = await setting.settle(setting.coordinator.commit(conflict));
    setting.group("b").apply({ ...prepareOf(1, "b", { deletes: [] }), kind: "commit", deletes: [row("b")] });
    assert.deepEqual(
      [refused, await setting.settle(setting.coordinator.commit(conflict))].map(
        (one) => !one.committed && one.failedChecks,
      ),
      [[0], [0]],
    );
  });

  test("is limited in groups, in number and in bytes", async () => {
    const setting = new Setting({ participantsMax: 2, commitsMax: 2, commitsBytesMax: 1000 });
    const { coordinator } = setting;
    await assert.rejects(
      setting.settle(coordinator.commit({ puts: [put("a"), put("b"), put("c")] })),
      fails("TOO_LARGE"),
    );
    await assert.rejects(setting.settle(coordinator.commit({})), fails("REQUEST_INVALID"));
    const large = { puts: [put("a"), { ...put("b"), value: utf8("x".repeat(1000)) }] };
    await assert.rejects(setting.settle(coordinator.commit(large)), fails("OVERLOADED"));
    const running = ["1", "2"].map((end) => coordinator.commit({ puts: [put(`a${end}`), put(`b${end}`)] }));
    await assert.rejects(setting.settle(coordinator.commit({ puts: [put("a3"), put("b3")] })), fails("OVERLOADED"));
    await setting.settle(Promise.all(running));
    await setting.rest();
    assert.ok((await setting.settle(coordinator.commit({ puts: [put("a3"), put("b3")] }))).committed);
  });

  test("is given up at its caller's signal, before its decision without a trace", async () => {
    const setting = new Setting({ resolveAfterMillis: 1_000_000 });
    setting.group("b").apply(prepareOf(9, "b", { puts: [put("b")] }, 0));
    const controller = new AbortController();
    const commit = setting.coordinator.commit({ puts: [put("a"), put("b")] }, { signal: controller.signal });
    setting.scheduler.after(100, "test", () => controller.abort(new Error("enough")));
    await assert.rejects(setting.settle(commit), /enough/);
    await setting.rest();
    assert.equal(setting.group("a").machine.prepared.writeLocks, 0);
  });
});
