import { format, median, ratioText, table } from "../markdown.ts";
import type { PeerReport, Row, S3Report } from "./bench.ts";
import type { Measurement } from "./measure.ts";

const OWN = "Ashlar";
const MIB = 1024 * 1024;

/** What the project promises itself; told as met or not met, beside the figures. */
export interface Bar {
  readonly workloads: RegExp;
  readonly peer: string;
  readonly ratio: number;
}

export const SINGLE_BARS: readonly Bar[] = [
  { workloads: /^PUT (4|16) KiB/, peer: "SeaweedFS", ratio: 2 },
  { workloads: /^PUT (4|16) KiB/, peer: "s3rver", ratio: 4 },
  { workloads: /^GET (4|16) KiB/, peer: "SeaweedFS", ratio: 1 },
  { workloads: /^(PUT|GET) 64 MiB/, peer: "SeaweedFS", ratio: 0.8 },
  { workloads: /^(PUT|GET) 64 MiB/, peer: "s3rver", ratio: 0.8 },
  { workloads: /^LIST/, peer: "SeaweedFS", ratio: 1 },
];
const RESIDENT_BAR_BYTES = 400 * MIB;

export function markdownOf({ peers, rows, streams }: S3Report, bars: readonly Bar[]): string {
  const ran = peers.filter(({ notRun }) => notRun === undefined);
  const others = ran.filter(({ name }) => name !== OWN);
  return [
    ...table(
      ["server", "version", "what a success means when the power goes"],
      peers.map(({ name, version, durability, notRun }) => [name, version, notRun ? `not run: ${notRun}` : durability]),
    ),
    "",
    "Rates are medians of the rounds; a ratio is Ashlar's figure divided by the peer's, the median over the rounds.",
    "",
    ...table(
      ["workload", ...ran.flatMap(({ name }) => columnsOf(name))],
      rows.map((row) => [row.workload.name, ...ran.flatMap(({ name }) => cellsOf(row, name))]),
    ),
    "",
    ...table(
      ["bar", "ratio", ""],
      barsOf(rows, others, bars).map(({ text, ratio, met }) => [text, ratio, met]),
    ),
    ...(streams.length === 0 ? [] : residentTable(streams, ran)),
  ].join("\n");
}

function residentTable(streams: readonly Row[], ran: readonly PeerReport[]): string[] {
  const rows = streams.map((row) => [row.workload.name, ...ran.map(({ name }) => residentOf(row, name))]);
  const title = "Resident memory at its peak, over all processes of a server:";
  return ["", title, "", ...table(["while it serves", ...ran.map(({ name }) => name)], rows)];
}

function columnsOf(name: string): string[] {
  return name === OWN ? [name, "a CPU second"] : [name, "ratio", "a CPU second, ratio"];
}

function cellsOf(row: Row, name: string): string[] {
  const cell = row.cells.get(name);
  const empty = name === OWN ? [""] : ["", ""];
  if (cell === undefined || typeof cell === "string") return [cell ?? "", ...empty];
  const rate = `${format(median(cell.map((each) => rateOf(row, each))))} ${row.workload.unit}`;
  if (name === OWN) return [rate, format(median(cell.map((each) => perProcessorSecond(row, each))))];
  const ratios = (of: (row: Row, each: Measurement) => number): string => ratioText(ratioOf(row, name, of));
  return [rate, ratios(rateOf), ratios(perProcessorSecond)];
}

function barsOf(
  rows: readonly Row[],
  others: readonly PeerReport[],
  bars: readonly Bar[],
): { text: string; ratio: string; met: string }[] {
  return bars.flatMap(({ workloads, peer, ratio }) => {
    if (!others.some(({ name }) => name === peer)) return [];
    return rows
      .filter(({ workload, cells }) => workloads.test(workload.name) && typeof cells.get(peer) === "object")
      .map((row) => {
        const found = ratioOf(row, peer, rateOf);
        const met = found === undefined ? "not measured" : found >= ratio ? "met" : "not met";
        return { text: `${row.workload.name}: at least ${ratio} of ${peer}`, ratio: ratioText(found), met };
      });
  });
}

function residentOf(row: Row, name: string): string {
  const cell = row.cells.get(name);
  if (cell === undefined || typeof cell === "string") return cell ?? "";
  const bytes = Math.max(...cell.map((each) => each.peakResidentBytes));
  const verdict = name === OWN ? ` (bar 400 MiB: ${bytes < RESIDENT_BAR_BYTES ? "met" : "not met"})` : "";
  return `${Math.round(bytes / MIB)} MiB at ${format(rateOf(row, cell[0]!))} MiB/s${verdict}`;
}

function ratioOf(row: Row, peer: string, of: (row: Row, each: Measurement) => number): number | undefined {
  const [own, other] = [row.cells.get(OWN), row.cells.get(peer)];
  if (typeof own !== "object" || typeof other !== "object") return undefined;
  return median(own.flatMap((each, round) => (other[round] ? [of(row, each) / of(row, other[round])] : [])));
}

function rateOf(row: Row, { operations, bytes, seconds }: Measurement): number {
  return (row.workload.unit === "MiB/s" ? bytes / MIB : operations) / seconds;
}

function perProcessorSecond(row: Row, measurement: Measurement): number {
  return rateOf(row, { ...measurement, seconds: measurement.processorSeconds });
}
