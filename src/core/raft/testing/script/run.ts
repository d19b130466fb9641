import { COMMANDS } from "./commands.ts";
import { Environment, errorText } from "./environment.ts";
import { type Block, formatScript, parseScript } from "./parse.ts";

export interface ScriptResult {
  readonly blocks: number;
  readonly mismatches: readonly Mismatch[];
  /** The script with what was really printed in place of what it expects. */
  readonly rewritten: string;
}

export interface Mismatch {
  readonly line: number;
  readonly command: string;
  readonly expected: string;
  readonly actual: string;
}

/** Lines of a peer's logger: they tell of its inner workings, not of its decisions. */
const LOG_LINE = /^\s*(DEBUG|INFO|WARN|ERROR|FATAL) /;

/** Plays a script from its first block to its last, even after a mismatch. */
export function runScript(text: string): ScriptResult {
  const blocks = parseScript(text);
  const environment = new Environment();
  const mismatches: Mismatch[] = [];
  const outputs: string[] = [];
  for (const block of blocks) {
    const actual = runBlock(environment, block);
    outputs.push(actual);
    const expected = withoutLog(block.expected);
    if (actual !== expected) mismatches.push({ line: block.line, command: block.command, expected, actual });
  }
  return { blocks: blocks.length, mismatches, rewritten: formatScript(blocks, outputs) };
}

function runBlock(environment: Environment, block: Block): string {
  const { output } = environment;
  output.reset();
  try {
    const command = COMMANDS[block.command];
    if (command === undefined) return "unknown command";
    command(environment, block);
  } catch (error) {
    const reason = errorText(error);
    if (output.isQuiet) return reason;
    output.write(reason);
  }
  return output.text === "" ? "ok" : output.text.replace(/\n$/, "");
}

/** A block that prints nothing else says ok. */
function withoutLog(expected: string): string {
  const kept = expected.split("\n").filter((line) => !LOG_LINE.test(line));
  return kept.length === 0 ? "ok" : kept.join("\n");
}
