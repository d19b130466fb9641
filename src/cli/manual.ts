import { environmentOf, flagOf, type OptionEntry, type OptionTable } from "../std/options.ts";
import type { Command } from "./command.ts";
import { defaultText, optionUsage } from "./help.ts";
import { CLIENT_VARIABLES, flagTable } from "./option-sources.ts";
import { COMMON_OPTIONS, usageOf } from "./parse.ts";
import { SERVER_ACCESS_OPTIONS } from "./server-access.ts";

const INTRODUCTION = `# Command line

This page is generated from the commands' table (\`src/cli/commands/\`) by \`node scripts/cli-table.ts\`; a test holds it to that.
\`ashlar help\` and \`--help\` say the same.

Results go to standard output, everything else to standard error. \`--json\` prints results and failures as JSON. Exit codes: 0 done,
1 failed, 2 the command line was not understood. A failure is one sentence on what happened and one on what to do. Progress is shown on
terminals only.

A quantity takes a unit: \`64MiB\`, \`10s\`. A list is given with commas, or by several flags. \`--no-NAME\` switches a flag off.

## Which server, and as whom

Commands that call a server take its API's address from \`--api\` or \`ASHLAR_API\`, and the access key from \`ASHLAR_ACCESS_KEY\` with
\`ASHLAR_SECRET_KEY\` or \`ASHLAR_SECRET_KEY_FILE\`. On the server's own machine the root key serves: that of the server's variables, where
they are set, else the one in the data folder (\`--data-dir\`).
`;

/** docs/operations/cli.md, as scripts/cli-table.ts writes it. */
export function cliManual(commands: readonly Command[]): string {
  const serve = commands.find(({ words }) => words[0] === "serve")!;
  return [
    INTRODUCTION,
    ...optionRows(SERVER_ACCESS_OPTIONS),
    "",
    "| variable | |",
    "| --- | --- |",
    ...Object.entries(CLIENT_VARIABLES).map(([name, text]) => `| \`${name}\` | ${text} |`),
    "",
    "## Commands",
    "",
    ...commands.filter((command) => command !== serve).flatMap(commandSection),
    "## Options of `ashlar serve`",
    "",
    ...(serve.notes ?? []),
    "",
    ...serverOptionRows(serve),
    "",
  ].join("\n");
}

function commandSection(command: Command): string[] {
  const { summary, notes = [], examples = [], options } = command;
  const own = Object.fromEntries(Object.entries(options).filter(([name]) => !isCommon(name, options)));
  const shown = examples.length === 0 ? [] : ["```", ...examples, "```", ""];
  const rows = Object.keys(own).length === 0 ? [] : [...optionRows(own), ""];
  return [`### \`${usageOf(command)}\``, "", [`${summary}.`, ...notes].join(" "), "", ...rows, ...shown];
}

/** The options that all commands of a kind share stand once, above. */
function isCommon(name: string, options: OptionTable): boolean {
  const shared: OptionTable = { ...SERVER_ACCESS_OPTIONS, ...COMMON_OPTIONS };
  return shared[name] !== undefined && shared[name] === options[name];
}

function optionRows(table: OptionTable): string[] {
  const rows = Object.entries(flagTable(table)).map(([name, entry]) => {
    return `| \`${optionUsage(name, entry)}\` | ${code(defaultText(entry))} | ${entry.text} |`;
  });
  return ["| option | default | |", "| --- | --- | --- |", ...rows];
}

function serverOptionRows({ options }: Command): string[] {
  const rows = Object.entries(options).map(([name, entry]) => {
    const isSecret = "secret" in entry;
    const flag = isSecret ? `${flagOf(name)}-file FILE` : optionUsage(name, entry);
    const variable = isSecret ? `${environmentOf(name)}\`, \`${environmentOf(name)}_FILE` : environmentOf(name);
    return `| \`${flag}\` | \`${variable}\` | ${code(defaultText(entry))} | ${rangeText(entry)} |`;
  });
  return ["| option | variable | default | |", "| --- | --- | --- | --- |", ...rows];
}

function rangeText(entry: OptionEntry): string {
  if (entry.type !== "integer") return entry.text;
  return `${entry.text} From ${defaultText({ ...entry, default: entry.min })} to ${defaultText({ ...entry, default: entry.max })}.`;
}

function code(text: string): string {
  return text === "" ? "" : `\`${text}\``;
}
