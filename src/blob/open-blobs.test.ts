import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import { World } from "./testing/world.ts";

describe("blobs", () => {
  test("give back what was appended, small and large, before and after a restart", async () => {
    const world = await World.open();
    const bodies = [5000, 65_536, 65_537, 131_072, 700_001].map((length) => world.bytes(length));
    for (const [at, body] of bodies.entries()) await world.settle(world.put(`key ${at}`, body));
    for (let round = 0; round < 3; round++) {
      for (const [at, body] of bodies.entries()) deepEqual(await world.settle(world.get(`key ${at}`)), body);
      if (round === 0) await world.crash();
      if (round === 1) await world.kill();
    }
    deepEqual(
      world.events.filter((event) => event.kind === "damage"),
      [],
    );
    await world.close();
    equal(world.fatal.length, 0);
    ok(world.blobs.counters.reads > 0);
  });
});
