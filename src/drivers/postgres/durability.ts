import type { PostgresClient } from "./client.ts";
import { postgresFailure } from "./errors.ts";

/** Rejects with UNSAFE where an acknowledged commit could be lost, and with UNAVAILABLE on a standby. */
export async function checkDurability(client: Pick<PostgresClient, "read">): Promise<void> {
  const names = ["fsync", "full_page_writes", "synchronous_commit"];
  const settings = names.map((name) => `current_setting('${name}')`).join(", ");
  const [row] = await client.read({ text: `select pg_is_in_recovery(), ${settings}` });
  if (row![0] === true)
    throw postgresFailure("UNAVAILABLE", { what: "This PostgreSQL is a standby: it takes no writes." });
  const off = names.filter((_, at) => row![at + 1] === "off");
  if (off.length === 0) return;
  throw postgresFailure("UNSAFE", {
    what: `PostgreSQL may lose what it has acknowledged: ${off.map((name) => `${name}=off`).join(", ")}.`,
    data: { settings: off },
  });
}
