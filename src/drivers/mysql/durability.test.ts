import assert from "node:assert/strict";
import { test } from "node:test";
import { hasCode } from "../../std/errors.ts";
import { checkDurability } from "./durability.ts";

/** Of a server with such settings: what is wrong with it. */
async function wrongWith(...row: readonly [version: string, flush: string, method: string, log: string, sync: string]) {
  try {
    await checkDurability({ read: async () => [row] });
    return "";
  } catch (error) {
    assert.ok(hasCode(error, "UNSAFE"));
    return /: (.*)\.$/.exec(error.message)![1];
  }
}

test("a server that may lose what it has committed is refused, and each reason is named", async () => {
  const mariadb = "10.11.19-MariaDB-0+deb12u1";
  assert.equal(await wrongWith(mariadb, "1", "fsync", "0", "0"), "");
  assert.equal(await wrongWith("8.0.36", "1", "O_DIRECT", "1", "1"), "");
  const reasons = "innodb_flush_log_at_trx_commit is 2, innodb_flush_method is nosync, sync_binlog is 0";
  assert.equal(await wrongWith("8.4.1", "2", "nosync", "1", "0"), reasons);
  assert.equal(await wrongWith(mariadb, "1", "fsync", "1", "1000"), "sync_binlog is 1000");
});

test("a server that keeps its counts in memory is refused: MySQL before 8.0, MariaDB before 10.2.4", async () => {
  const known = ["8.0.11", "9.1.0-log", "10.2.4-MariaDB", "10.10.2-MariaDB-log", "11.4.2-MariaDB"];
  for (const version of known) assert.equal(await wrongWith(version, "1", "fsync", "0", "1"), "", version);
  for (const version of ["5.7.44-log", "5.5.68-MariaDB", "10.2.3-MariaDB", "10.1.48-MariaDB", "", "nonsense"])
    assert.equal(await wrongWith(version, "1", "fsync", "0", "1"), `its version is ${version}`);
});
