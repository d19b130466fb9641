// Help text, made of the commands' table; docs/operations/cli.md is made of the same.

import { flagOf, type OptionEntry, quantityText } from "../std/options.ts";
import type { Command } from "./command.ts";
import { flagTable } from "./option-sources.ts";
import { COMMON_OPTIONS, commandsUnder, usageOf } from "./parse.ts";

/** The commands whose words begin so; all of them where there are none. */
export function overview(commands: readonly Command[], words: readonly string[] = []): string {
  const shown = commandsUnder(words, commands);
  const width = Math.max(...shown.map((command) => usageOf(command).length));
  const lines = shown.map((command) => `  ${usageOf(command).padEnd(width)}  ${command.summary}`);
  const title = ["ashlar", ...words, "COMMAND [OPTIONS]"].join(" ");
  const foot = "Add --help to a command to see its options, --json to get its result as JSON.";
  return [title, "", ...lines, "", foot, "Exit codes: 0 done, 1 failed, 2 not understood.", ""].join("\n");
}

export function helpOf(command: Command): string {
  const { notes = [], examples = [], summary } = command;
  const lines = [usageOf(command), "", `${summary}.`, ...notes, "", "Options:"];
  const options = { ...flagTable(command.options), ...COMMON_OPTIONS };
  const rows = Object.entries(options).map(([name, entry]) => [optionUsage(name, entry), optionText(entry)] as const);
  const width = Math.min(32, Math.max(...rows.map(([usage]) => usage.length)));
  for (const [usage, text] of rows) {
    if (usage.length > width) lines.push(`  ${usage}`, `  ${" ".repeat(width)}  ${text}`);
    else lines.push(`  ${usage.padEnd(width)}  ${text}`);
  }
  if (examples.length > 0) lines.push("", "Examples:", ...examples.map((example) => `  ${example}`));
  return `${lines.join("\n")}\n`;
}

/** As in `--data-dir VALUE`. */
export function optionUsage(name: string, entry: OptionEntry): string {
  if (entry.type === "flag") return entry.default ? `--no-${flagOf(name).slice(2)}` : flagOf(name);
  return `${flagOf(name)} ${placeholder(entry)}`;
}

export function optionText(entry: OptionEntry): string {
  const fallback = defaultText(entry);
  return fallback === "" ? entry.text : `${entry.text} Default: ${fallback}.`;
}

/** Empty where there is none worth telling. */
export function defaultText(entry: OptionEntry): string {
  if (entry.type === "flag" || entry.default === undefined) return "";
  if (entry.type === "list") return entry.default.join(", ");
  return entry.type === "integer" ? quantityText(entry.default, entry.unit) : entry.default;
}

function placeholder(entry: Exclude<OptionEntry, { type: "flag" }>): string {
  switch (entry.type) {
    case "address":
      return "HOST:PORT";
    case "integer":
      return entry.unit.startsWith("bytes") ? "BYTES" : entry.unit === "ms" || entry.unit === "s" ? "TIME" : "NUMBER";
    case "list":
      return "VALUE,...";
    case "text":
      return "VALUE";
  }
}
