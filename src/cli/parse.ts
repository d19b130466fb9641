// From words to a command and its options. The words come first, then arguments and options in any order; `--` ends the options.

import { parseArgs } from "node:util";
import { flagOf, nearestName, type OptionTable, type RawOptions } from "../std/options.ts";
import type { Command } from "./command.ts";
import { cliFailure } from "./errors.ts";
import { flagTable } from "./option-sources.ts";

export interface Parsed {
  readonly command: Command;
  readonly arguments: readonly string[];
  /** By option name, as they were given. */
  readonly flags: RawOptions;
  readonly help: boolean;
}

/** Every command takes these. */
export const COMMON_OPTIONS = {
  json: { type: "flag", default: false, text: "Print JSON." },
  help: { type: "flag", default: false, text: "Show what the command takes." },
} as const;

/** Throws one of the USAGE errors. */
export function parseCommandLine(argv: readonly string[], commands: readonly Command[]): Parsed {
  const command = findCommand(argv, commands);
  const table: OptionTable = { ...flagTable(command.options), ...COMMON_OPTIONS };
  const { flags, positionals } = readFlags(argv.slice(command.words.length), table, command);
  const help = flags["help"] === true;
  if (!help) checkArguments(positionals, command);
  return { command, arguments: positionals, flags, help };
}

/** How a command is called, as in `ashlar bucket ls [PREFIX]`. */
export function usageOf({ words, arguments: specs = [] }: Command): string {
  const shown = specs.map((spec) => (spec.endsWith("?") ? `[${spec.slice(0, -1)}]` : spec));
  return ["ashlar", ...words, ...shown].join(" ");
}

/** The commands of a group, as in `ashlar bucket`; or all of them. */
export function commandsUnder(words: readonly string[], commands: readonly Command[]): readonly Command[] {
  return commands.filter((command) => words.every((word, at) => command.words[at] === word));
}

function findCommand(argv: readonly string[], commands: readonly Command[]): Command {
  const words = argv.slice(0, firstOption(argv));
  const fitting = commands
    .filter((command) => command.words.every((word, at) => words[at] === word))
    .sort((left, right) => right.words.length - left.words.length);
  if (fitting[0] !== undefined) return fitting[0];
  throw unknownCommand(words, commands);
}

function firstOption(argv: readonly string[]): number {
  const at = argv.findIndex((word) => word.startsWith("-"));
  return at === -1 ? argv.length : at;
}

function unknownCommand(words: readonly string[], commands: readonly Command[]): Error {
  const group = commandsUnder(words.slice(0, 1), commands);
  const known = group.length > 0 ? group : commands;
  const depth = group.length > 0 ? 2 : 1;
  const written = words.slice(0, depth).join(" ");
  const names = [...new Set(known.map((command) => command.words.slice(0, depth).join(" ")))];
  const nearest = nearestName(written, names);
  const hint = nearest === undefined ? "" : ` Did you mean \`ashlar ${nearest}\`?`;
  if (written === words[0] && group.length > 0) {
    const seconds = new Set(group.map((each) => each.words[1]));
    const what = `\`ashlar ${written}\` needs one of ${[...seconds].join(", ")} behind it.`;
    return cliFailure("USAGE_COMMAND", { what });
  }
  const what = written === "" ? "A command is missing." : `There is no command \`ashlar ${written}\`.${hint}`;
  return cliFailure("USAGE_COMMAND", { what, data: { nearest } });
}

function readFlags(
  argv: readonly string[],
  table: OptionTable,
  command: Command,
): { readonly flags: Record<string, unknown>; readonly positionals: readonly string[] } {
  const names = new Map(Object.keys(table).map((name) => [flagOf(name).slice(2), name]));
  const isFlag = (name: string): boolean => table[name]!.type === "flag";
  const config = Object.fromEntries(
    Array.from(names, ([flag, name]) => [flag, { type: isFlag(name) ? ("boolean" as const) : ("string" as const) }]),
  );
  // Not strict: its errors could not name what was probably meant.
  const { tokens } = parseArgs({ args: [...argv], options: config, strict: false, tokens: true, allowNegative: true });
  const flags: Record<string, unknown> = {};
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const isHelp = token.rawName === "-h";
    const given = token.rawName.replace(/^--/, "");
    const negated = given.startsWith("no-") && !names.has(given);
    const name = names.get(isHelp ? "help" : negated ? given.slice(3) : given);
    if (name === undefined) throw unknownOption(token.rawName, [...names.keys()], command);
    flags[name] = flagValue(table, name, { negated, inline: token.value, before: flags[name] });
  }
  return { flags, positionals };
}

interface Given {
  readonly negated: boolean;
  readonly inline: string | undefined;
  readonly before: unknown;
}

function flagValue(table: OptionTable, name: string, { negated, inline, before }: Given): unknown {
  const entry = table[name]!;
  if (entry.type === "flag") return inline ?? !negated;
  if (inline === undefined)
    throw cliFailure("USAGE_OPTION", { what: `${flagOf(name)} needs a value.`, data: { name } });
  if (entry.type === "list") return [...(Array.isArray(before) ? before : []), ...inline.split(",")];
  if (before === undefined) return inline;
  throw cliFailure("USAGE_OPTION", { what: `${flagOf(name)} is given twice.`, data: { name } });
}

function unknownOption(rawName: string, known: readonly string[], { words }: Command): Error {
  const written = rawName.replace(/^-+/, "");
  const nearest = known.includes(`${written}-file`) ? `${written}-file` : nearestName(written, known);
  const hint = nearest === undefined ? "" : ` Did you mean --${nearest}?`;
  const what = `\`ashlar ${words.join(" ")}\` takes no option ${rawName}.${hint}`;
  return cliFailure("USAGE_OPTION", { what, data: { option: rawName, nearest } });
}

function checkArguments(given: readonly string[], command: Command): void {
  const specs = command.arguments ?? [];
  const required = specs.filter((spec) => !spec.endsWith("?")).length;
  const isOpen = specs.at(-1)?.includes("...") === true;
  if (given.length >= required && (isOpen || given.length <= specs.length)) return;
  const what = given.length < required ? `${specs[given.length]} is missing` : `${given[specs.length]} is too much`;
  throw cliFailure("USAGE_ARGUMENTS", { what: `${what}: the command is \`${usageOf(command)}\`.` });
}
