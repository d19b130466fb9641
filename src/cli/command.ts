import type { OptionTable, OptionValues } from "../std/options.ts";
import type { Output } from "./output.ts";
import { SERVER_ACCESS_OPTIONS, type ServerAccess } from "./server-access.ts";

/** `BUCKET` is required, `PREFIX?` may be left out, `FILE...` is one or more, `VOLUME...?` any number. */
export type ArgumentSpec = string;

/** One command of the command line. Parsing, help and docs/operations/cli.md derive from it. */
export interface Command {
  /** As in `bucket ls`. */
  readonly words: readonly string[];
  readonly summary: string;
  /** A sentence each. */
  readonly notes?: readonly string[];
  readonly arguments?: readonly ArgumentSpec[];
  readonly options: OptionTable;
  /** Those of the options that variables set too. With an option `config`, a file sets all of them. */
  readonly environment: OptionTable;
  readonly examples?: readonly string[];
  /** Resolves with the exit code; 0 where it gives nothing. */
  run(invocation: Invocation<OptionTable>): Promise<number | undefined>;
}

export interface Invocation<Table extends OptionTable> {
  /** In the order of the command's `arguments`; those left out are missing. */
  readonly arguments: readonly string[];
  readonly options: OptionValues<Table>;
  readonly output: Output;
  /** Of the server that the command is about; made on first use. */
  readonly server: ServerAccess;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  readonly environment: NodeJS.ProcessEnv;
}

interface CommandParts<Table extends OptionTable, Common extends OptionTable> {
  readonly words: string;
  readonly summary: string;
  readonly notes?: readonly string[];
  readonly arguments?: readonly ArgumentSpec[];
  readonly options?: Table;
  readonly environment?: OptionTable;
  readonly examples?: readonly string[];
  run(invocation: Invocation<Table & Common>): Promise<number | undefined>;
}

type NoOptions = Readonly<Record<never, never>>;

/** A command that works on its own: on files, or by starting something. */
export function localCommand<const Table extends OptionTable>(parts: CommandParts<Table, NoOptions>): Command {
  return build(parts, {});
}

/** A command that calls a server's API. */
export function serverCommand<const Table extends OptionTable>(
  parts: CommandParts<Table, typeof SERVER_ACCESS_OPTIONS>,
): Command {
  return build(parts, SERVER_ACCESS_OPTIONS);
}

function build<Table extends OptionTable, Common extends OptionTable>(
  parts: CommandParts<Table, Common>,
  common: OptionTable,
): Command {
  const { run, options = {}, words, environment = common, ...rest } = parts;
  // The values that reach `run` are resolved from this very table.
  const typeless = run as unknown as Command["run"];
  return { ...rest, words: words.split(" "), options: { ...options, ...common }, environment, run: typeless };
}
