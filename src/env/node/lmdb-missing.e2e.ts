// An installation without the optional package. With "child" as its argument this file is the process that lacks it.

import { equal, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { registerHooks } from "node:module";
import { describe, test } from "node:test";
import { temporaryFolder } from "../conformance/temporary-folder.ts";
import { LmdbIndexes } from "./lmdb-indexes.ts";

if (process.argv[2] === "child") await openWithoutPackage(process.argv[3]!);
else registerTests();

function registerTests(): void {
  describe("without the package lmdb", () => {
    test("opening an index names the line that installs it", async () => {
      await using folder = await temporaryFolder();
      const child = spawnSync(process.execPath, [import.meta.filename, "child", folder.path], { encoding: "utf8" });
      equal(child.status, 0, child.stderr);
      ok(/^LIBRARY_MISSING: .*npm i lmdb@/.test(child.stdout), child.stdout);
    });
  });
}

async function openWithoutPackage(root: string): Promise<void> {
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier === "lmdb") throw Object.assign(new Error("not found"), { code: "ERR_MODULE_NOT_FOUND" });
      return next(specifier, context);
    },
  });
  try {
    await new LmdbIndexes(root).open("index");
  } catch (error) {
    const { code, message } = error as Error & { code: string };
    process.stdout.write(`${code}: ${message}`);
  }
}
