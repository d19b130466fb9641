import { deepEqual } from "node:assert/strict";
import { describe, test } from "node:test";
import { connectedPair, type NetworkFixture } from "../conformance/network-fixture.ts";
import { networkConformance } from "../conformance/network-suite.ts";
import { nodeNetwork } from "./network.ts";

const FIXTURE: NetworkFixture = {
  server: nodeNetwork,
  client: nodeNetwork,
  host: "127.0.0.1",
  settle: (promise) => promise,
  async [Symbol.asyncDispose]() {},
};

describe("nodeNetwork", () => {
  networkConformance(test, async () => FIXTURE);

  test("finds a host by its name, and knows no names of who shows no certificate", async () => {
    await using pair = await connectedPair({ ...FIXTURE, host: "localhost" }, { listen: { host: "localhost" } });
    deepEqual([pair.client.connection.peerNames, pair.server.connection.peerNames], [[], []]);
  });
});
