import { basename, dirname, resolve } from "node:path";
import { NodeDisk } from "../../env/node/index.ts";
import { inspectLog, type LogDamage, type LogRecord, type SegmentReport } from "../../log/index.ts";
import { counted, formatBytes } from "../../std/quantities.ts";
import { type Command, localCommand } from "../command.ts";
import { cliFailure } from "../errors.ts";
import { kindOf } from "../local-files.ts";
import { table } from "../output.ts";

export const LOG_COMMANDS: readonly Command[] = [
  localCommand({
    words: "log inspect",
    summary: "Reads a log from its files, without changing anything",
    notes: [
      "DIR is a server's data folder, or the folder `log` in it. The server need not run, and should not.",
      "A segment that is not the last has to be readable to where the next one begins: else it is damaged.",
    ],
    arguments: ["DIR"],
    options: { records: { type: "flag", default: false, text: "Show every record." } },
    async run({ output, options, arguments: [given = ""] }) {
      const { root, folder } = await logFolder(given);
      const segments: SegmentSummary[] = [];
      let before: SegmentSummary | undefined;
      let damaged = 0;
      for await (const report of inspectLog(new NodeDisk(root), folder)) {
        const summary = summaryOf(report);
        if (before !== undefined && before.damage === undefined && before.end !== summary.base) damaged++;
        if (summary.damage !== undefined) damaged++;
        if (options.records && !output.json) for (const line of recordLines(report)) output.write(`${line}\n`);
        segments.push(options.records ? { ...summary, records: report.frames.map(recordShape) } : summary);
        before = summary;
      }
      output.result({ segments, damaged }, () => {
        const rows = segments.map(({ segment, base, end, fileBytes, frames, firstIndex, lastIndex }) => {
          const range = firstIndex === undefined ? "-" : `${firstIndex} to ${lastIndex}`;
          return [segment, base, end, formatBytes(fileBytes), frames, range];
        });
        const headings = ["SEGMENT", "FROM", "TO", "FILE", "RECORDS", "ENTRIES OF GROUP 1"];
        const verdict = damaged === 0 ? [] : [`\n${counted(damaged, "segment")} can not be read to the end.`];
        const places = segments.flatMap(({ segment, damage }) => {
          if (damage === undefined) return [];
          const { position, offset, proof } = damage;
          const place = `position ${position} (byte ${offset} of its file)`;
          return `Segment ${segment} is damaged at ${place}: the record at ${proof} was written later.`;
        });
        const lost = segments.flatMap(({ segment, lostBytes }) =>
          lostBytes === 0 ? [] : [`Segment ${segment} lacks ${formatBytes(lostBytes)} that a damage took before.`],
        );
        return [...table(headings, rows), ...verdict, ...places, ...lost];
      });
      if (damaged === 0) return 0;
      throw cliFailure("DATA_DAMAGED", {
        what: `${counted(damaged, "segment")} of the log can not be read to the end.`,
      });
    },
  }),
];

interface SegmentSummary {
  readonly segment: number;
  readonly base: number;
  readonly end: number;
  readonly fileBytes: number;
  readonly frames: number;
  /** In the middle of what had been synced. */
  readonly damage?: LogDamage;
  /** Set aside at an earlier start, because they could not be read. */
  readonly lostBytes: number;
  readonly kinds: Readonly<Record<string, number>>;
  readonly firstIndex: number | undefined;
  readonly lastIndex: number | undefined;
  readonly records?: readonly object[];
}

async function logFolder(given: string): Promise<{ readonly root: string; readonly folder: string }> {
  const path = resolve(given);
  if ((await kindOf(path))?.isFolder !== true) throw cliFailure("PATH_UNREADABLE", { what: `${given} is no folder.` });
  if ((await kindOf(resolve(path, "log")))?.isFolder === true) return { root: path, folder: "log" };
  return { root: dirname(path), folder: basename(path) };
}

function summaryOf({ segment, frames, end, damage }: SegmentReport): SegmentSummary {
  const kinds: Record<string, number> = {};
  let firstIndex: number | undefined;
  let lastIndex: number | undefined;
  let lostBytes = 0;
  for (const { record, bytes } of frames) {
    kinds[record.kind] = (kinds[record.kind] ?? 0) + 1;
    if (record.kind === "lost") lostBytes += bytes;
    if (record.kind !== "entries" || record.group !== 1) continue;
    firstIndex ??= record.firstIndex;
    lastIndex = record.firstIndex + record.entries.length - 1;
  }
  const { id, base, fileBytes } = segment;
  const summary = { segment: id, base, end, fileBytes, frames: frames.length, lostBytes, kinds, firstIndex, lastIndex };
  return damage === undefined ? summary : { ...summary, damage };
}

function recordShape({ position, bytes, record }: SegmentReport["frames"][number]): object {
  return { position, bytes, ...factsOf(record) };
}

function recordLines({ frames }: SegmentReport): string[] {
  return frames.map(({ position, bytes, record }) => {
    const { kind, group, ...facts } = factsOf(record);
    const told = Object.entries(facts).map(([name, value]) => `${name} ${value}`);
    return `${String(position).padStart(14)}  ${String(bytes).padStart(9)}  group ${group}  ${kind}  ${told.join(", ")}`;
  });
}

/** Without the bytes of entries: they are the Store's commands. */
function factsOf(record: LogRecord): { readonly kind: string; readonly group: number } & Record<string, unknown> {
  if (record.kind === "snapshot") return { ...record, note: `${record.note.length} bytes` };
  if (record.kind === "configuration") return { ...record, bytes: `${record.bytes.length} bytes` };
  if (record.kind !== "entries") return { ...record };
  const { kind, group, firstIndex, term, entries } = record;
  const bytes = entries.reduce((sum, entry) => sum + entry.length, 0);
  return { kind, group, firstIndex, lastIndex: firstIndex + entries.length - 1, term, bytes };
}
