import { format, median, ratioText, table } from "../markdown.ts";
import type { EngineRow, EnginesReport } from "./bench.ts";

/** Rates are medians of the rounds; a ratio is the median of the ratios within a round. */
export function markdownOf({ engines, rows }: EnginesReport): string {
  const [first, ...others] = engines.filter(({ notRun }) => notRun === undefined).map(({ name }) => name);
  return [
    ...table(
      ["engine", "version"],
      engines.map(({ name, version, notRun }) => [name, notRun === undefined ? version : `not run: ${notRun}`]),
    ),
    "",
    ...table(
      ["calls a second", ...(first === undefined ? [] : [first]), ...others.flatMap((name) => [name, "of the first"])],
      rows.map((row) => [
        row.workload,
        ...(first === undefined ? [] : [rateText(row, first)]),
        ...others.flatMap((name) => [rateText(row, name), ratioText(ratioOf(row, name, first!))]),
      ]),
    ),
  ].join("\n");
}

function rateText({ rates }: EngineRow, name: string): string {
  return format(median(rates.get(name) ?? []));
}

function ratioOf({ rates }: EngineRow, name: string, first: string): number {
  return median(rates.get(name)!.map((rate, round) => rate / rates.get(first)![round]!));
}
