import { format, median, table } from "../markdown.ts";
import type { HealingRow } from "./bench.ts";

const MEBIBYTE = 1 << 20;

export function markdownOf(rows: readonly HealingRow[]): string {
  return table(
    ["what the cluster holds", "seconds to health", "the node holds then", "a second"],
    rows.map(({ workload, rounds }) => [
      workload,
      median(rounds.map(({ seconds }) => seconds)).toFixed(1),
      `${format(median(rounds.map(({ bytes }) => bytes / MEBIBYTE)))} MiB`,
      `${format(median(rounds.map(({ bytes, seconds }) => bytes / MEBIBYTE / seconds)))} MiB`,
    ]),
  ).join("\n");
}
