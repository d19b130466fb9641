/**
 * A script of data-driven tests: blocks of a command, lines of input, a line of four dashes and the expected output up to an empty line.
 * Doubled dashes open an output that may hold empty lines itself and that doubled dashes close.
 */
export interface Block {
  /** Of the command, from 1. */
  readonly line: number;
  readonly command: string;
  readonly args: readonly Argument[];
  readonly input: string;
  readonly expected: string;
  /** Lines of the file before the expected output, comments and command included: for rewriting it. */
  readonly head: readonly string[];
}

/** `key`, `key=value` or `key=(a,b)`. */
export interface Argument {
  readonly key: string;
  readonly values: readonly string[];
}

const DIVIDER = "----";

export function parseScript(text: string): readonly Block[] {
  const lines = text.split("\n");
  const blocks: Block[] = [];
  let at = 0;
  for (;;) {
    const start = at;
    while (at < lines.length && (lines[at]!.trim() === "" || lines[at]!.startsWith("#"))) at++;
    if (at >= lines.length) return blocks;
    const line = at + 1;
    const [command, ...args] = splitWords(lines[at]!);
    at++;
    const input: string[] = [];
    while (at < lines.length && lines[at] !== DIVIDER) input.push(lines[at++]!);
    at++;
    const head = lines.slice(start, at);
    const expected: string[] = [];
    if (lines[at] === DIVIDER) {
      at++;
      while (at < lines.length && !(lines[at] === DIVIDER && lines[at + 1] === DIVIDER)) expected.push(lines[at++]!);
      at += 2;
    } else {
      while (at < lines.length && lines[at]!.trim() !== "") expected.push(lines[at++]!);
    }
    blocks.push({
      line,
      command: command!,
      args: args.map(parseArgument),
      input: input.join("\n"),
      expected: expected.join("\n"),
      head,
    });
  }
}

export function formatScript(blocks: readonly Block[], outputs: readonly string[]): string {
  const parts = blocks.map((block, at) => {
    const output = outputs[at]!;
    const body = output.includes("\n\n") ? `${DIVIDER}\n${output}\n${DIVIDER}\n${DIVIDER}` : output;
    return `${block.head.join("\n")}\n${body}\n`;
  });
  return parts.join("");
}

/** Blanks within parentheses do not separate. */
function splitWords(line: string): readonly string[] {
  return line.match(/(?:[^\s(]|\([^)]*\))+/g) ?? [];
}

function parseArgument(word: string): Argument {
  const at = word.indexOf("=");
  if (at < 0) return { key: word, values: [] };
  const value = word.slice(at + 1);
  if (!value.startsWith("(")) return { key: word.slice(0, at), values: [value] };
  const inner = value.slice(1, -1).trim();
  return { key: word.slice(0, at), values: inner === "" ? [] : inner.split(/[\s,]+/) };
}
