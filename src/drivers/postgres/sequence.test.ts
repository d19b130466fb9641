import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { SqlRow } from "./client.ts";
import { postgresFailure } from "./errors.ts";
import { PostgresSequence } from "./sequence.ts";

/** Answers by a statement's name; the first one, without a name, asks for settings. */
function connection(answers: Readonly<Record<string, readonly SqlRow[] | Error>>) {
  const asked: string[] = [];
  return {
    asked,
    read: async ({ name = "settings" }: { readonly name?: string }): Promise<readonly SqlRow[]> => {
      asked.push(name);
      const answer = answers[name] ?? [[false, "on", "on", "on"]];
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
}

function answered(state: string): Error {
  return postgresFailure("ANSWER_INVALID", { data: { state } });
}

describe("a sequence of PostgreSQL", () => {
  test("gives numbers beyond 2^53 as they are, and tells whether all connections share their order", async () => {
    const big = 2n ** 62n;
    const client = connection({
      "sequence-draw": [
        [String(big), true],
        [String(big + 1n), true],
      ],
    });
    const sequence = new PostgresSequence(client, "s");
    assert.deepEqual(await sequence.draw(2), { numbers: [big, big + 1n], isOrdered: true });
    const cached = new PostgresSequence(connection({ "sequence-draw": [["1", false]] }), "s");
    assert.equal((await cached.draw(1)).isOrdered, false);
    await sequence.draw(2);
    assert.deepEqual(client.asked, ["settings", "sequence-draw", "sequence-draw"]);
  });

  test("is looked at where it gives less than was asked for", async () => {
    for (const [why, rows] of [
      [/CYCLE/, [["begins again behind its end (CYCLE)"]]],
      [/is none/, []],
      [/has just changed/, [[null]]],
    ] as const) {
      const client = connection({ "sequence-draw": [], "sequence-why": rows });
      await assert.rejects(new PostgresSequence(client, "s").draw(1), { code: "SEQUENCE_UNFIT", message: why });
    }
  });

  test("is told to be missing, used up, or unreachable apart from each other", async () => {
    for (const [failure, code] of [
      [answered("42P01"), "SEQUENCE_MISSING"],
      [answered("3F000"), "SEQUENCE_MISSING"],
      [answered("42602"), "SEQUENCE_MISSING"],
      [answered("2200H"), "OUT_OF_RANGE"],
      [answered("0A000"), "ANSWER_INVALID"],
      [postgresFailure("DENIED"), "DENIED"],
      [postgresFailure("UNAVAILABLE"), "UNAVAILABLE"],
    ] as const) {
      const client = connection({ "sequence-draw": failure, "sequence-next": failure });
      await assert.rejects(new PostgresSequence(client, "s").draw(1), { code });
      await assert.rejects(new PostgresSequence(client, "s").next(), { code });
    }
  });

  test("of a server that may lose what it has acknowledged gives nothing, until it is set right", async () => {
    const settings = [[false, "on", "on", "off"]];
    const client = connection({ settings, "sequence-draw": [["1", true]] });
    const sequence = new PostgresSequence(client, "s");
    await assert.rejects(sequence.draw(1), { code: "UNSAFE" });
    assert.deepEqual(client.asked, ["settings"]);
    settings[0] = [false, "on", "on", "on"];
    assert.deepEqual((await sequence.draw(1)).numbers, [1n]);
  });
});
