// From words to an exit code: finds the command, resolves its options, runs it, and says what went wrong.

import { AshlarError, hasCode } from "../std/errors.ts";
import { flagOf, type OptionTable, type OptionValues } from "../std/options.ts";
import type { Command } from "./command.ts";
import { allCommands, commandsOf } from "./commands/index.ts";
import { helpOf, overview } from "./help.ts";
import { resolveFromSources } from "./option-sources.ts";
import { Output, type OutputStreams } from "./output.ts";
import { COMMON_OPTIONS, commandsUnder, type Parsed, parseCommandLine } from "./parse.ts";
import { ServerAccess } from "./server-access.ts";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

export interface CommandLineParts {
  readonly streams: OutputStreams;
  readonly environment: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

export async function runCommandLine(given: readonly string[], parts: CommandLineParts): Promise<number> {
  const argv = given.length === 1 && /^(?:--version|-[vV])$/.test(given[0]!) ? ["version"] : given;
  try {
    const help = isHelpAsked(argv) ? helpFor(argv, await allCommands()) : undefined;
    if (help === undefined) return await run(parseCommandLine(argv, await commandsOf(argv[0])), parts);
    parts.streams.out.write(help);
    return 0;
  } catch (error) {
    new Output(parts.streams, argv.includes("--json")).failure(error);
    return isUsageError(error) ? EXIT_USAGE : EXIT_FAILED;
  }
}

async function run({ command, flags, arguments: given }: Parsed, parts: CommandLineParts): Promise<number> {
  const { environment, streams, signal } = parts;
  const own = Object.fromEntries(Object.entries(flags).filter(([name]) => !(name in COMMON_OPTIONS)));
  const options: OptionValues<OptionTable> = await resolveFromSources(command, own, environment);
  const [api, dataDir, ca] = [String(options["api"]), String(options["dataDir"]), options["ca"] as string | undefined];
  using server = new ServerAccess({ api, dataDir, ca, environment });
  const output = new Output(streams, flags["json"] === true);
  try {
    return (await command.run({ arguments: given, options, output, server, signal, environment })) ?? 0;
  } catch (error) {
    throw inFlags(error, command);
  }
}

/** What the API says of a field of a request, where an option has filled it: people know that one. */
function inFlags(error: unknown, { options }: Command): unknown {
  if (!hasCode(error, "INPUT_INVALID")) return error;
  const path = String(error.data["path"]);
  const [, name = ""] = /^(?:body|query)\.(\w+)$/.exec(path) ?? [];
  if (!Object.hasOwn(options, name)) return error;
  const what = error.message.replace(path, flagOf(name));
  return new AshlarError(error.code, what, "Add --help to see what the option takes.", error.data, error);
}

function isHelpAsked(argv: readonly string[]): boolean {
  return argv.length === 0 || argv[0] === "help" || argv.includes("--help") || argv.includes("-h");
}

/** Of one command, of a group of them, or of all. Undefined for one that is not there, which is for the parser to say. */
function helpFor(argv: readonly string[], commands: readonly Command[]): string | undefined {
  const words = argv.filter((word, at) => !word.startsWith("-") && !(at === 0 && word === "help"));
  const named = commands.filter((command) => command.words.every((word, at) => words[at] === word));
  const longest = named.sort((left, right) => right.words.length - left.words.length)[0];
  if (longest !== undefined) return helpOf(longest);
  return commandsUnder(words, commands).length > 0 ? overview(commands, words) : undefined;
}

function isUsageError(error: unknown): boolean {
  return error instanceof AshlarError && (error.code.startsWith("USAGE_") || error.code.startsWith("OPTION_"));
}
