import { writeFile } from "node:fs/promises";
import { basename } from "node:path";
import {
  CHECKED_MODELS,
  type CheckedModel,
  type Consistency,
  checkHistory,
  consistenciesOf,
  HISTORY_LIMITS,
  HistoryReader,
  type Operation,
  operationText,
  type Verdict,
  type ViolationVerdict,
  violationPage,
} from "../../check/index.ts";
import { AshlarError } from "../../std/errors.ts";
import { type Command, localCommand } from "../command.ts";
import { cliFailure } from "../errors.ts";
import { sourceOfFile } from "../local-files.ts";

const EXIT_VIOLATION = 1;
/** Also of a command line, a file or a history that was not understood: then there is no verdict, and an error says why. */
const EXIT_UNKNOWN = 2;

export const CHECK_COMMANDS: readonly Command[] = [
  localCommand({
    words: "check",
    summary: "Checks a recorded history for consistency",
    notes: [
      "HISTORY is a file of JSON lines, or Jepsen's history.edn, or - for standard input; docs/protocols/history.md describes them.",
      `Models: ${CHECKED_MODELS.join(", ")}.`,
      "Exit codes: 0 consistent; 1 a violation, and its shortest counter-example found; 2 unknown, for memory or time ran out.",
      "A history that can not be read ends with 2 as well: what it printed tells which.",
    ],
    arguments: ["HISTORY"],
    options: {
      model: { type: "text", text: "What the operations are about." },
      consistency: {
        type: "text",
        text: "linearizable (the default), sequential, causal, sessions, convergence; of list-append a level, serializable by default.",
      },
      html: { type: "text", text: "Write a picture of the violation to this file." },
      memory: {
        type: "integer",
        unit: "bytes",
        default: 256 * 1024 ** 2,
        min: 1024 ** 2,
        max: 64 * 1024 ** 3,
        text: "What the search may remember.",
      },
      seconds: { type: "integer", unit: "s", default: 60, min: 1, max: 86_400, text: "How long it may search." },
    },
    examples: [
      "ashlar check history.jsonl --model cas-register --html violation.html",
      "ashlar check history.jsonl --model list-append --consistency strict-serializable --json",
    ],
    async run({ output, options, signal, arguments: [path = ""] }) {
      const model = modelOf(options.model);
      const consistency = consistencyOf(model, options.consistency);
      try {
        const operations = await readHistory(path);
        // Whoever checks what a test recorded must not be told that all is well when nothing was.
        if (operations.length === 0) throw cliFailure("HISTORY_EMPTY", { data: { path } });
        const overMillis = performance.now() + options.seconds * 1000;
        const verdict = checkHistory(operations, {
          model,
          consistency,
          memoryBytesMax: options.memory,
          isOver: () => signal.aborted || performance.now() > overMillis,
        });
        const html = verdict.verdict === "violation" ? options.html : undefined;
        if (html !== undefined) await writePage(html, verdict as ViolationVerdict, path);
        output.result(shapeOf(verdict, { model, consistency, operations: operations.length, html }), () =>
          linesOf(verdict, { path, model, consistency, operations: operations.length, html }),
        );
        return exitCode(verdict);
      } catch (error) {
        // Exit code 1 says that there is a violation, and nothing else does.
        if (!(error instanceof AshlarError)) throw error;
        output.failure(error);
        return EXIT_UNKNOWN;
      }
    },
  }),
];

function modelOf(given: string | undefined): CheckedModel {
  const model = CHECKED_MODELS.find((name) => name === given);
  if (model !== undefined) return model;
  const what = given === undefined ? "--model is missing" : `There is no model ${given}`;
  throw cliFailure("USAGE_OPTION", { what: `${what}: it is one of ${CHECKED_MODELS.join(", ")}.` });
}

function consistencyOf(model: CheckedModel, given: string | undefined): Consistency {
  const possible = consistenciesOf(model);
  if (given === undefined) return possible[0]!;
  const consistency = possible.find((name) => name === given);
  if (consistency !== undefined) return consistency;
  throw cliFailure("USAGE_OPTION", {
    what: `--consistency of ${model} is one of ${possible.join(", ")}, not ${given}.`,
  });
}

async function readHistory(path: string): Promise<Operation[]> {
  const reader = new HistoryReader();
  const decoder = new TextDecoder();
  const source = sourceOfFile(path);
  let rest = "";
  try {
    for (;;) {
      const chunk = await source.read();
      rest += chunk === null ? decoder.decode() : decoder.decode(chunk, { stream: true });
      const lines = rest.split("\n");
      rest = chunk === null ? "" : lines.pop()!;
      for (const line of lines) reader.add(line);
      // A line that is too long is refused before all of it is in memory.
      if (rest.length > HISTORY_LIMITS.lineLengthMax) reader.add(rest);
      if (chunk === null) return reader.finish();
    }
  } catch (error) {
    source.cancel();
    if (error instanceof AshlarError) throw error;
    throw cliFailure("PATH_UNREADABLE", { what: `${path} can not be read.`, data: { path }, cause: error });
  }
}

async function writePage(html: string, violation: ViolationVerdict, path: string): Promise<void> {
  try {
    await writeFile(html, violationPage(violation, path === "-" ? "standard input" : basename(path)));
  } catch (cause) {
    throw cliFailure("PATH_UNREADABLE", { what: `${html} can not be written.`, data: { path: html }, cause });
  }
}

interface Checked {
  readonly model: CheckedModel;
  readonly consistency: Consistency;
  readonly operations: number;
  readonly html: string | undefined;
}

function shapeOf(verdict: Verdict, { model, consistency, operations, html }: Checked): object {
  const common = { verdict: verdict.verdict, model, consistency, operations };
  if (verdict.verdict === "ok") return common;
  if (verdict.verdict === "unknown") return { ...common, reason: verdict.reason, detail: verdict.detail };
  const { anomaly, also = [], explanation, key } = verdict;
  const counterexample = verdict.operations.map(({ function: f, process, key: of, input, output, outcome, line }) => {
    return { line, process, f, ...(of !== undefined && { key: of }), input, output, outcome };
  });
  return { ...common, anomaly, also, ...(key !== undefined && { key }), explanation, counterexample, html };
}

function linesOf(verdict: Verdict, checked: Checked & { readonly path: string }): string[] {
  const { model, consistency, operations, html } = checked;
  const path = checked.path === "-" ? "standard input" : checked.path;
  const what = `${operations} ${operations === 1 ? "operation" : "operations"} of ${path} as ${model}`;
  if (verdict.verdict === "ok") return [`consistent: ${what} ${operations === 1 ? "is" : "are"} ${consistency}.`];
  if (verdict.verdict === "unknown") {
    const advice =
      verdict.reason === "ambiguous" ? "" : ` Raise --${verdict.reason === "memory" ? "memory" : "seconds"}.`;
    return [`unknown: ${what}: ${verdict.detail}${advice}`];
  }
  const { anomaly, also = [], explanation, key } = verdict;
  const lines = [`violation: ${what}: ${anomaly}${key === undefined ? "" : ` of ${key}`}.`, "", ...explanation, ""];
  for (const operation of verdict.operations) lines.push(`  line ${operation.line}  ${operationText(operation)}`);
  if (also.length > 0) lines.push("", `Also found: ${also.join(", ")}.`);
  if (html !== undefined) lines.push("", `Its picture is ${html}.`);
  return lines;
}

function exitCode({ verdict }: Verdict): number {
  if (verdict === "ok") return 0;
  return verdict === "violation" ? EXIT_VIOLATION : EXIT_UNKNOWN;
}
