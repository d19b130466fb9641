import { describe, test } from "node:test";
import { indexConformance } from "../conformance/index-suite.ts";
import { temporaryFolder } from "../conformance/temporary-folder.ts";
import { LmdbIndexes } from "./lmdb-indexes.ts";

describe("LmdbIndexes", () => {
  indexConformance(test, async () => {
    const folder = await temporaryFolder();
    return { indexes: new LmdbIndexes(folder.path), [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
  });
});
