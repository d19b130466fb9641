// What a command prints. Results go to standard output: a table or lines for people, JSON for programs. Everything else goes to
// standard error. Names of objects are any text: what people see of them can neither steer a terminal nor begin a line.

import { text } from "../std/bytes.ts";
import { AshlarError } from "../std/errors.ts";

export interface OutputStreams {
  readonly out: { write(text: string | Uint8Array): unknown; readonly isTTY?: boolean };
  readonly err: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number };
}

export class Output {
  readonly json: boolean;
  readonly #streams: OutputStreams;

  constructor(streams: OutputStreams, json: boolean) {
    this.#streams = streams;
    this.json = json;
  }

  /** Whether somebody watches: progress is only shown to people. */
  get isWatched(): boolean {
    return this.#streams.err.isTTY === true && !this.json;
  }

  get columns(): number {
    return this.#streams.err.columns ?? 80;
  }

  /** One result: `value` as JSON, or what `lines` makes of it. */
  result(value: unknown, lines: () => readonly string[] | string): void {
    if (this.json) this.#streams.out.write(`${JSON.stringify(value, undefined, 2)}\n`);
    else {
      const text = lines();
      const whole = typeof text === "string" ? text : text.join("\n");
      if (whole !== "") this.#streams.out.write(`${printableLines(whole)}\n`);
    }
  }

  /** Raw text for standard output. */
  write(text: string): void {
    this.#streams.out.write(text);
  }

  /** Exactly these bytes; on a terminal a line of them that can not steer it. */
  bytes(bytes: Uint8Array): void {
    this.#streams.out.write(this.#streams.out.isTTY === true ? `${printableLines(text(bytes))}\n` : bytes);
  }

  /** One line for whoever watches or keeps a log. */
  note(text: string): void {
    this.#streams.err.write(`${printable(text)}\n`);
  }

  /** Over the line that the cursor is in; an empty text clears it. */
  progress(text: string): void {
    if (this.isWatched) this.#streams.err.write(`\r\x1b[2K${printable(text).slice(0, this.columns - 1)}`);
  }

  /** One sentence and what to do about it. */
  failure(error: unknown): void {
    this.progress("");
    const { code, message, advice, data } = described(error);
    if (this.json) this.#streams.err.write(`${JSON.stringify({ error: { code, message, advice, data } })}\n`);
    else {
      // Only the stack of a bug is more than one line.
      const shown = error instanceof AshlarError ? printable : printableLines;
      this.#streams.err.write(`ashlar: ${shown(message + (advice === "" ? "" : ` ${advice}`))}\n`);
    }
  }
}

/** One line, with escapes in place of what a terminal would obey: control characters and those that turn the text's direction. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    const named = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }[character];
    const code = character.charCodeAt(0).toString(16);
    return named ?? (code.length > 2 ? `\\u${code.padStart(4, "0")}` : `\\x${code.padStart(2, "0")}`);
  });
}

/** As printable, of a text whose lines and tabs are its own. */
function printableLines(text: string): string {
  return text.replace(/[^\n\t]+/g, printable);
}

/** Columns beside each other; the last one is not filled up. Numbers stand to the right. */
export function table(headings: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const cells = [headings, ...rows.map((row) => row.map((cell) => printable(String(cell))))];
  const widths = headings.map((_, at) => Math.max(...cells.map((row) => width(row[at] ?? ""))));
  const isNumber = headings.map((_, at) => rows.length > 0 && rows.every((row) => typeof row[at] === "number"));
  return cells.map((row) => {
    const padded = row.map((cell, at) => {
      const fill = " ".repeat(Math.max(0, widths[at]! - width(cell)));
      return isNumber[at] ? fill + cell : at === row.length - 1 ? cell : cell + fill;
    });
    return padded.join("  ").trimEnd();
  });
}

/** Names and values, one a line. */
export function pairs(entries: readonly (readonly [string, string | number | undefined])[]): string[] {
  const shown = entries.filter(([, value]) => value !== undefined);
  const widest = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(widest)}  ${printable(String(value))}`);
}

interface Described {
  readonly code: string;
  readonly message: string;
  readonly advice: string;
  readonly data: Readonly<Record<string, unknown>>;
}

function described(error: unknown): Described {
  if (error instanceof AshlarError) {
    const { code, advice, data } = error;
    return { code, message: withCause(error), advice, data };
  }
  if (error instanceof Error && error.name === "AbortError") {
    return { code: "INTERRUPTED", message: "Interrupted.", advice: "", data: {} };
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    code: "INTERNAL",
    message: `An error that should not happen: ${text}`,
    advice: "Please report it.",
    data: {},
  };
}

/** A cause of the operating system's says more than we can. */
export function withCause(error: AshlarError): string {
  const { cause } = error;
  if (!(cause instanceof Error) || cause instanceof AshlarError) return error.message;
  return `${error.message.replace(/\.$/, "")}: ${cause.message}.`;
}

/** In characters: enough for names that are mostly Latin. */
function width(text: string): number {
  return [...text].length;
}
