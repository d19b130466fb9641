import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { environmentOf, flagOf, type OptionTable, parseAddress, resolveOptions } from "./options.ts";

const TABLE = {
  dataDir: { type: "text", default: "./data", text: "Where the data is." },
  token: { type: "text", text: "A secret.", secret: true },
  s3Listen: { type: "address", default: "127.0.0.1:9000", text: "Where S3 listens." },
  domains: { type: "list", default: [], text: "Names." },
  quiet: { type: "flag", default: false, text: "Say less." },
  cacheBytes: { type: "integer", unit: "bytes", default: 64, min: 1, max: 1 << 30, text: "Memory." },
  graceMillis: { type: "integer", unit: "ms", default: 1000, min: 0, max: 3_600_000, text: "Patience." },
} as const satisfies OptionTable;

const resolve = (...values: Record<string, unknown>[]) =>
  resolveOptions(
    TABLE,
    values.map((entry, at) => ({ label: `source ${at}`, values: entry })),
  );

describe("options", () => {
  test("the earlier source wins over the later one, and both over the default", () => {
    const options = resolve({ cacheBytes: "2KiB" }, { cacheBytes: 7, quiet: "true" });
    assert.equal(options.cacheBytes, 2048);
    assert.equal(options.quiet, true);
    assert.equal(options.dataDir, "./data");
    assert.equal(options.token, undefined);
  });

  test("quantities take units of their dimension only", () => {
    assert.equal(resolve({ graceMillis: "1.5s" }).graceMillis, 1500);
    assert.throws(() => resolve({ graceMillis: "1KiB" }), { code: "OPTION_INVALID" });
    assert.throws(() => resolve({ cacheBytes: "0" }), { code: "OPTION_INVALID" });
    assert.throws(() => resolve({ cacheBytes: "x" }), { code: "OPTION_INVALID" });
  });

  test("a value out of range is refused with the range, in the units that people write", () => {
    const message = (values: Record<string, unknown>, table: OptionTable) => {
      try {
        resolveOptions(table, [{ label: "x", values }]);
      } catch (error) {
        return String(error);
      }
      return undefined;
    };
    const entry = { type: "integer", default: 5, min: 1, text: "." } as const;
    const cases = [
      [{ ...entry, unit: "s", max: 604_800 }, "8d", "a time from 1s to 7d"],
      [{ ...entry, unit: "s", min: 0, max: 90 }, "2m", "a time from 0s to 90s"],
      [{ ...entry, unit: "ms", max: 60_000 }, "2m", "a time from 1ms to 1m"],
      [{ ...entry, unit: "bytes", max: 3 * 1024 ** 2 }, "4MiB", "a size from 1 to 3MiB"],
      [{ ...entry, unit: "count", max: 64 }, "65", "a whole number from 1 to 64"],
    ] as const;
    for (const [each, given, range] of cases) {
      assert.ok(message({ each: given }, { each })?.includes(`--each "${given}" is not ${range}.`), range);
    }
  });

  test("an unknown name is refused with the nearest known one", () => {
    assert.throws(() => resolve({ dataDri: "x" }), { code: "OPTION_UNKNOWN", message: /Did you mean --data-dir\?/ });
    assert.throws(() => resolve({ zzzzzz: "x" }), { code: "OPTION_UNKNOWN", message: /no option --zzzzzz\.$/ });
  });

  test("a secret's value is never part of the error", () => {
    assert.throws(
      () => resolve({ token: 12345 }),
      (error: Error) => !error.message.includes("12345"),
    );
  });

  test("names of flags and variables follow from the option's name", () => {
    assert.equal(flagOf("s3Listen"), "--s3-listen");
    assert.equal(flagOf("allowPlaintext"), "--allow-plaintext");
    assert.equal(environmentOf("s3Listen"), "ASHLAR_S3_LISTEN");
  });

  test("addresses are a host and a port", () => {
    assert.deepEqual(parseAddress("127.0.0.1:0"), { host: "127.0.0.1", port: 0 });
    assert.deepEqual(parseAddress("[::1]:9000"), { host: "::1", port: 9000 });
    assert.deepEqual(parseAddress(":9000"), { host: "0.0.0.0", port: 9000 });
    for (const bad of ["", "localhost", "1.2.3.4:70000", "::1:9000", "a b:1"])
      assert.equal(parseAddress(bad), undefined);
  });

  test("a list comes as one text with commas or as several texts", () => {
    assert.deepEqual(resolve({ domains: "a, b" }).domains, ["a", "b"]);
    assert.deepEqual(resolve({ domains: ["a", "b"] }).domains, ["a", "b"]);
    assert.throws(() => resolve({ domains: [1] }), { code: "OPTION_INVALID" });
  });
});
