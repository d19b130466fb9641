import { describe, test } from "node:test";
import { networkConformance } from "../conformance/network-suite.ts";
import { nodeNetwork } from "./network.ts";

describe("nodeNetwork", () => {
  networkConformance(test, async () => ({
    server: nodeNetwork,
    client: nodeNetwork,
    host: "127.0.0.1",
    settle: (promise) => promise,
    async [Symbol.asyncDispose]() {},
  }));
});
