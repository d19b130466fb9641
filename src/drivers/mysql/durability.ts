import type { MysqlClient } from "./client.ts";
import { mysqlFailure } from "./errors.ts";

const SETTINGS = "innodb_flush_log_at_trx_commit, innodb_flush_method, log_bin, sync_binlog";

/**
 * Rejects with UNSAFE where what was committed could be lost, or where a count of AUTO_INCREMENT could go back when the server
 * starts: older ones keep it in memory.
 */
export async function checkDurability(client: Pick<MysqlClient, "read">): Promise<void> {
  const variables = SETTINGS.split(", ").map((name) => `@@GLOBAL.${name}`);
  const [row = []] = await client.read(`SELECT VERSION(), ${variables.join(", ")}`);
  const [version = "", flush, method, binaryLog, sync] = row.map(String);
  const why = [
    ...(keepsCounts(version) ? [] : [`its version is ${version}`]),
    ...(flush === "1" ? [] : [`innodb_flush_log_at_trx_commit is ${flush}`]),
    ...(method === "nosync" ? ["innodb_flush_method is nosync"] : []),
    // What has not reached the binary log is rolled back when the server starts.
    ...(binaryLog !== "0" && sync !== "1" ? [`sync_binlog is ${sync}`] : []),
  ];
  if (why.length === 0) return;
  const what = `The database may lose what it has acknowledged: ${why.join(", ")}.`;
  throw mysqlFailure("UNSAFE", { what, data: { version, flush, method, binaryLog, sync } });
}

/** MySQL from 8.0 on, MariaDB from 10.2.4 on. */
function keepsCounts(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = (/\d+(?:\.\d+)*/.exec(version)?.[0] ?? "").split(".").map(Number);
  if (!/mariadb/i.test(version)) return major >= 8;
  return major > 10 || (major === 10 && (minor > 2 || (minor === 2 && patch >= 4)));
}
