import { describe, test } from "node:test";
import { computeConformance } from "../compute/conformance.ts";
import { InlineCompute } from "./compute.ts";

const skip = { "a lost thread fails its streams, and later ones get another": "it has no threads" };

describe("the simulator's compute", () => {
  computeConformance({ test, skip, open: () => subject(new InlineCompute()) });
});

describe("the simulator's compute with a pace", () => {
  const pace = { turnBytesMax: 1000, nextTurn: async () => {} };
  computeConformance({ test, skip, open: () => subject(new InlineCompute(pace)) });
});

function subject(compute: InlineCompute): { compute: InlineCompute; loseThreads(): Promise<void> } & AsyncDisposable {
  return { compute, async loseThreads() {}, async [Symbol.asyncDispose]() {} };
}
