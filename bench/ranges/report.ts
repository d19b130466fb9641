import { format, median, ratioText, table } from "../markdown.ts";
import type { RangesRow } from "./bench.ts";

/** Rates are medians of the rounds; a ratio is the median of the ratios within a round, to the first kind. */
export function markdownOf(rows: readonly RangesRow[]): string {
  return table(
    ["clients", "a commit of two rows within", "commits/s", "of the first"],
    rows.flatMap(({ clients, rates }) => {
      const [first] = rates.values();
      return [...rates].map(([kind, own]) => {
        const ratio = median(own.map((rate, round) => rate / first![round]!));
        return [String(clients), kind, format(median(own)), ratioText(ratio)];
      });
    }),
  ).join("\n");
}
