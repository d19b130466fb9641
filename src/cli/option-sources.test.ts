import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { OptionTable } from "../std/options.ts";
import { flagTable, misspelledVariables, resolveFromSources } from "./option-sources.ts";

const TABLE = {
  dataDir: { type: "text", default: "./data", text: "." },
  quiet: { type: "flag", default: false, text: "." },
  cacheBytes: { type: "integer", unit: "bytes", default: 64, min: 1, max: 1 << 30, text: "." },
  token: { type: "text", secret: true, text: "A token." },
  config: { type: "text", text: "." },
} as const satisfies OptionTable;

const TABLES = { options: TABLE, environment: TABLE };

describe("options", () => {
  let folder: string;
  const file = (name: string, content: string): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "ashlar-options-"));
  });
  after(() => rmSync(folder, { recursive: true }));

  test("come from flags over environment over file over default", async () => {
    const config = file("c.json", JSON.stringify({ $schema: "x", dataDir: "/file", quiet: true, cacheBytes: "2KiB" }));
    const environment = { ASHLAR_DATA_DIR: "/environment", ASHLAR_CACHE_BYTES: "1KiB", ASHLAR_CONFIG: config };
    const options = await resolveFromSources(TABLES, { dataDir: "/flag" }, environment);
    assert.deepEqual([options["dataDir"], options["cacheBytes"], options["quiet"]], ["/flag", 1024, true]);
    assert.equal((await resolveFromSources(TABLES, { config }, {}))["dataDir"], "/file");
    assert.equal((await resolveFromSources(TABLES, {}, {}))["dataDir"], "./data");
  });

  test("are read from the environment only where the command says so", async () => {
    const tables = { options: TABLE, environment: { dataDir: TABLE.dataDir } };
    const options = await resolveFromSources(tables, {}, { ASHLAR_DATA_DIR: "/x", ASHLAR_QUIET: "true" });
    assert.deepEqual([options["dataDir"], options["quiet"]], ["/x", false]);
  });

  test("that are secret come from a variable, a file that a flag, a variable or the configuration names", async () => {
    const path = file("token", "s3cret\n");
    const config = file("t.json", JSON.stringify({ tokenFile: path }));
    const found = await Promise.all([
      resolveFromSources(TABLES, { tokenFile: path }, {}),
      resolveFromSources(TABLES, {}, { ASHLAR_TOKEN: "s3cret" }),
      resolveFromSources(TABLES, {}, { ASHLAR_TOKEN_FILE: path }),
      resolveFromSources(TABLES, { config }, {}),
    ]);
    for (const options of found) assert.equal(options["token"], "s3cret");
    assert.deepEqual(Object.keys(flagTable(TABLE)), ["dataDir", "quiet", "cacheBytes", "tokenFile", "config"]);
  });

  test("that are not there, or can not be read, are errors", async () => {
    const misspelled = file("m.json", JSON.stringify({ dataDri: "/x" }));
    const broken = file("b.json", "{");
    const list = file("l.json", "[]");
    const missing = join(folder, "missing");
    const rejects = (flags: object, code: string, message: RegExp) =>
      assert.rejects(resolveFromSources(TABLES, flags as Record<string, unknown>, {}), { code, message });
    await rejects({ config: misspelled }, "OPTION_UNKNOWN", /Did you mean --data-dir\?/);
    await rejects({ config: broken }, "CONFIG_UNREADABLE", /can not be read as JSON/);
    await rejects({ config: list }, "CONFIG_UNREADABLE", /does not hold a JSON object/);
    await rejects({ config: missing }, "CONFIG_UNREADABLE", /missing/);
    await rejects({ tokenFile: missing }, "SECRET_FILE_UNREADABLE", /--token: .* can not be read/);
    await rejects(
      { cacheBytes: "many" },
      "OPTION_INVALID",
      /command line: --cache-bytes "many" is not a size from 1 to 1GiB\.$/,
    );
  });

  test("a variable that is nearly one of ours is pointed out, others are left alone", () => {
    const environment = {
      ASHLAR_DATA_DRI: "/x",
      ASHLAR_TOKEN: "x",
      ASHLAR_SERVICE_HOST: "10.0.0.1",
      ASHLAR_PORT_9000_TCP: "x",
      PATH: "",
    };
    assert.deepEqual(misspelledVariables(TABLE, environment), [
      "ASHLAR_DATA_DRI is no variable of ashlar; did you mean ASHLAR_DATA_DIR?",
    ]);
  });
});
