import type { Clock } from "../env/index.ts";
import { AshlarError } from "../std/errors.ts";
import { isoTime } from "../std/time-text.ts";

export type LogLevel = "info" | "warning" | "error";

/** One line an event on the sink: for people (`text`) or for machines (`json`). */
export class Logger {
  readonly #clock: Clock;
  readonly #json: boolean;
  readonly #sink: (line: string) => void;

  constructor(clock: Clock, format: string, sink: (line: string) => void) {
    this.#clock = clock;
    this.#json = format === "json";
    this.#sink = sink;
  }

  info(event: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#write("info", event, fields);
  }

  warning(event: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#write("warning", event, fields);
  }

  error(event: string, error: unknown, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#write("error", event, { ...fields, ...errorFields(error) });
  }

  #write(level: LogLevel, event: string, fields: Readonly<Record<string, unknown>>): void {
    const time = isoTime(this.#clock.now());
    if (this.#json) {
      this.#sink(`${JSON.stringify({ time, level, event, ...fields })}\n`);
      return;
    }
    const words = Object.entries(fields).map(
      ([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`,
    );
    this.#sink(`${[time, level.padEnd(7), event, ...words].join(" ").replaceAll("\n", " ")}\n`);
  }
}

/** What an operator needs of an error and the errors beneath it: codes, sentences, data; a stack only of a bug. */
export function errorFields(error: unknown): Record<string, unknown> {
  if (error instanceof AshlarError) {
    const { code, message, advice, data, cause } = error;
    return { code, message, advice, ...data, ...(cause !== undefined && { cause: causeText(cause) }) };
  }
  if (error instanceof Error) return { message: error.message, stack: error.stack };
  return { message: String(error) };
}

function causeText(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.cause === undefined ? cause.message : `${cause.message} (${causeText(cause.cause)})`;
}
