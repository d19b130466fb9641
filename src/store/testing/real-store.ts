import type { Row } from "../store.ts";
import type { HostedStore, HostOptions } from "./hosted-store.ts";

export const ROW_TABLE = 200;

/** Small, so that a short test sees checkpoints and a log that was given up. */
export const REAL_STORE: HostOptions = {
  segmentBytes: 1024 * 1024,
  store: { checkpointBytesMin: 300_000, flushBytes: 100_000 },
};

export async function allRowsOf({ store }: HostedStore): Promise<Row[]> {
  const rows: Row[] = [];
  for (let more = true; more; ) {
    const page = await store.scan(ROW_TABLE, rows.length > 0 ? { after: rows.at(-1)! } : {}, { limit: 5000 });
    rows.push(...page.rows);
    ({ more } = page);
  }
  return rows;
}
