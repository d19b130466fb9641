import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Exchange } from "../env/index.ts";
import { SimScheduler } from "../env/sim/index.ts";
import { text } from "../std/bytes.ts";
import { storeFailure } from "../store/index.ts";
import { Logger } from "./logger.ts";
import { Starting } from "./starting.ts";

function fixture(signal?: AbortSignal) {
  const scheduler = new SimScheduler();
  const timers = {
    after: (millis: number, run: () => void) => scheduler.after(millis, "start", run),
    endOfTurn: (run: () => void) => void scheduler.after(0, "start", run),
  };
  const lines: string[] = [];
  const clock = { now: () => 0, monotonic: () => 0 };
  const logger = new Logger(clock, "text", (line) => lines.push(line));
  return { starting: new Starting({ timers, logger, signal }), scheduler, lines };
}

function asked(target: string): { readonly exchange: Exchange; readonly said: () => readonly [number, string] } {
  let said: readonly [number, string] = [0, ""];
  const reply = async (status: number, _: readonly string[], body?: Uint8Array): Promise<void> => {
    said = [status, text(body!)];
  };
  return { exchange: { target, reply } as unknown as Exchange, said: () => said };
}

describe("a node that starts", () => {
  test("takes a step again as often as there is no leader for it, and tells so once", async () => {
    const { starting, scheduler, lines } = fixture();
    let left = 3;
    const step = async (): Promise<string> => {
      if (left-- > 0) throw storeFailure(left === 1 ? "OUTCOME_UNKNOWN" : "NO_LEADER");
      return "done";
    };
    assert.equal(await scheduler.settle(starting.withLeader(step), 10_000), "done");
    assert.equal(left, -1);
    assert.equal(lines.length, 1);
  });

  test("fails with what no leader would help against", async () => {
    const { starting } = fixture();
    const broken = storeFailure("ROW_DAMAGED");
    await assert.rejects(
      starting.withLeader(() => Promise.reject(broken)),
      broken,
    );
  });

  test("ends its wait when it is told to, also in the middle of a step that does not end", async () => {
    const controller = new AbortController();
    const { starting } = fixture(controller.signal);
    const waits = [
      starting.withLeader(() => new Promise(() => {})),
      starting.withLeader(() => Promise.reject(storeFailure("NO_LEADER"))),
    ];
    const ends = waits.map((wait) => assert.rejects(wait, { code: "START_ABORTED" }));
    controller.abort();
    await Promise.all(ends);
    await assert.rejects(
      starting.withLeader(async () => {}),
      { code: "START_ABORTED" },
    );
  });

  test("says that it lives and why it is not ready, until its API answers itself", () => {
    const { starting } = fixture();
    starting.why = () => "It waits.";
    const pages = ["/healthz", "/readyz", "/v1/status?x=1"].map((target) => {
      const { exchange, said } = asked(target);
      starting.handle(exchange);
      return said();
    });
    assert.deepEqual(pages, [
      [200, "ok\n"],
      [503, "It waits.\n"],
      [503, "It waits.\n"],
    ]);
    const served: string[] = [];
    starting.ready(({ target }) => served.push(target));
    starting.handle(asked("/readyz").exchange);
    assert.deepEqual(served, ["/readyz"]);
  });
});
