import { format, median, ratioText, table } from "../markdown.ts";
import type { RaftReport, Row } from "./bench.ts";
import type { Measurement } from "./peer.ts";

const OWN = "Ashlar";

interface Bar {
  readonly workloads: RegExp;
  readonly text: string;
  readonly least: number;
  readonly found: (row: Row) => number | undefined;
}

/** What the project promises itself; told as met or not met, beside the figures. */
const BARS: readonly Bar[] = [
  {
    workloads: /^one process, 16 B, [^,]+$/,
    text: "at least 250,000 proposals/s",
    least: 250_000,
    found: (row) => medianOf(row, OWN, rateOf),
  },
  ...["Dragonboat", "Dragonboat, tan"].map((peer) => ({
    workloads: /^one process, 16 B, [^,]+$/,
    text: `a CPU second, at least 1 of ${peer}`,
    least: 1,
    found: (row: Row) => ratioOf(row, peer, perProcessorSecond),
  })),
  {
    workloads: /^three processes, [^,]+, 1 group$/,
    text: "at least 5 of etcd",
    least: 5,
    found: (row) => ratioOf(row, "etcd", rateOf),
  },
];

export function markdownOf({ peers, rows, callers }: RaftReport): string {
  const sections = [
    table(["peer", "where", "version", "what a success means when the power goes"], peers.map(peerCells(rows))),
    [
      "Rates, latencies and processor time are medians of the rounds; a ratio is Ashlar's figure divided by the peer's, the median over the",
      "rounds.",
    ],
    table(
      ["workload", "", "proposals/s", "ratio", "p50 ms", "p99 ms", "CPU s a million", "a CPU second, ratio"],
      rows.flatMap((row) => Array.from(row.cells.keys(), (name) => cellsOf(row, name))),
    ),
    table(["bar", "found", ""], barsOf(rows)),
    callers.size === 0 ? [] : callersTable(callers),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n");
}

function peerCells(rows: readonly Row[]): (peer: RaftReport["peers"][number]) => string[] {
  return ({ name, place, durability }) => {
    const cells = rows.filter(({ workload }) => workload.place === place).map((row) => row.cells.get(name));
    const measured = cells.find((cell) => typeof cell === "object");
    return [name, place, measured?.[0]?.version ?? "", durability];
  };
}

function cellsOf(row: Row, name: string): string[] {
  const cell = row.cells.get(name)!;
  const head = [row.workload.name, name];
  if (typeof cell === "string") return [...head, cell, "", "", "", "", ""];
  const of = (figure: (each: Measurement) => number): number => median(cell.map(figure));
  const ratio = (figure: (each: Measurement) => number): string =>
    name === OWN ? "" : ratioText(ratioOf(row, name, figure));
  return [
    ...head,
    ...[format(of(rateOf)), ratio(rateOf)],
    ...[of((each) => each.p50Millis).toFixed(1), of((each) => each.p99Millis).toFixed(1)],
    ...[of((each) => 1e6 / perProcessorSecond(each)).toFixed(2), ratio(perProcessorSecond)],
  ];
}

function barsOf(rows: readonly Row[]): string[][] {
  return BARS.flatMap(({ workloads, text, least, found }) =>
    rows
      .filter(({ workload }) => workloads.test(workload.name))
      .map((row) => {
        const figure = found(row);
        const met = figure === undefined ? "not measured" : figure >= least ? "met" : "not met";
        const shown = figure === undefined ? "" : least > 1000 ? format(figure) : ratioText(figure);
        return [`${row.workload.name}: ${text}`, shown, met];
      }),
  );
}

function callersTable(callers: RaftReport["callers"]): string[] {
  return table(
    ["sixteen callers at once", "version", "proposed", "applied at all", "applied once, in order", "one caller alone"],
    Array.from(callers, ([name, result]) =>
      typeof result === "string"
        ? [name, result, "", "", "", ""]
        : [
            ...[name, result.version, format(result.proposed), format(result.survived), format(result.right)],
            `${format(result.sequentialPerSecond)}/s`,
          ],
    ),
  );
}

function ratioOf(row: Row, peer: string, of: (each: Measurement) => number): number | undefined {
  const [own, other] = [row.cells.get(OWN), row.cells.get(peer)];
  if (typeof own !== "object" || typeof other !== "object") return undefined;
  return median(own.flatMap((each, round) => (other[round] ? [of(each) / of(other[round])] : [])));
}

function medianOf(row: Row, name: string, of: (each: Measurement) => number): number | undefined {
  const cell = row.cells.get(name);
  return typeof cell === "object" ? median(cell.map(of)) : undefined;
}

function rateOf({ operations, seconds }: Measurement): number {
  return operations / seconds;
}

function perProcessorSecond({ operations, processorSeconds }: Measurement): number {
  return operations / processorSeconds;
}
