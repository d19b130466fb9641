// Where options come from: flags over environment over configuration file over default. A secret is never a flag, because other users
// of a machine can read command lines: it comes from the environment, from the configuration file, or from a file that
// `--NAME-file`, `ASHLAR_NAME_FILE` or `nameFile` names.

import { readFile } from "node:fs/promises";
import {
  environmentOf,
  flagOf,
  nearestName,
  type OptionEntry,
  type OptionTable,
  type OptionValues,
  type RawOptions,
  resolveOptions,
} from "../std/options.ts";
import { cliFailure } from "./errors.ts";

/** Variables of the commands that call a server, beside those of their options. */
export const CLIENT_VARIABLES = {
  ASHLAR_ACCESS_KEY: "Access key of commands that call a server.",
  ASHLAR_SECRET_KEY: "Its secret.",
  ASHLAR_SECRET_KEY_FILE: "A file that holds the secret.",
  ASHLAR_ROOT_ACCESS_KEY: "The server's own root key; it serves where no access key is set.",
  ASHLAR_ROOT_SECRET_KEY: "Its secret.",
  ASHLAR_ROOT_SECRET_KEY_FILE: "A file that holds the secret.",
} as const;

export interface OptionSource {
  readonly label: string;
  readonly values: RawOptions;
}

/** The table as flags see it: each secret gives way to the option that names its file. */
export function flagTable(table: OptionTable): OptionTable {
  const flags: Record<string, OptionEntry> = {};
  for (const [name, entry] of Object.entries(table)) {
    if (isSecret(entry)) flags[`${name}File`] = { type: "text", text: `File that holds it: ${entry.text}` };
    else flags[name] = entry;
  }
  return flags;
}

export interface OptionTables {
  readonly options: OptionTable;
  /** What variables may set. */
  readonly environment: OptionTable;
}

/** The values of a command's options, each from the first source that has it. */
export async function resolveFromSources(
  { options, environment }: OptionTables,
  flags: RawOptions,
  variables: NodeJS.ProcessEnv,
): Promise<OptionValues<OptionTable>> {
  const sources = [{ label: "command line", values: flags }, environmentSource(environment, variables)];
  if ("config" in options) {
    const path = flags["config"] ?? variables[environmentOf("config")];
    if (path !== undefined) sources.push(await fileSource(String(path)));
  }
  return resolveOptions(options, await Promise.all(sources.map((source) => readSecretFiles(options, source))));
}

/** Options that the environment sets. */
function environmentSource(table: OptionTable, environment: NodeJS.ProcessEnv): OptionSource {
  const values: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(table)) {
    const variable = environmentOf(name);
    if (environment[variable] !== undefined) values[name] = environment[variable];
    else if (isSecret(entry) && environment[`${variable}_FILE`] !== undefined) {
      values[`${name}File`] = environment[`${variable}_FILE`];
    }
  }
  return { label: "environment", values };
}

/**
 * Variables that look like a misspelled one of ours. Others are left alone: orchestrators make variables of their own that begin with
 * a service's name.
 */
export function misspelledVariables(table: OptionTable, environment: NodeJS.ProcessEnv): readonly string[] {
  const known: string[] = [
    ...Object.keys(CLIENT_VARIABLES),
    environmentOf("api"),
    environmentOf("ca"),
    environmentOf("config"),
  ];
  for (const [name, entry] of Object.entries(table)) {
    known.push(environmentOf(name));
    if (isSecret(entry)) known.push(`${environmentOf(name)}_FILE`);
  }
  const warnings: string[] = [];
  for (const variable of Object.keys(environment)) {
    if (!variable.startsWith("ASHLAR_") || known.includes(variable)) continue;
    const nearest = nearestName(variable, known);
    if (nearest !== undefined && Math.abs(nearest.length - variable.length) <= 2 && sharesStart(nearest, variable)) {
      warnings.push(`${variable} is no variable of ashlar; did you mean ${nearest}?`);
    }
  }
  return warnings;
}

/** A JSON object whose names are those of the options, `dataDir` for `--data-dir`. Rejects with CONFIG_UNREADABLE. */
async function fileSource(path: string): Promise<OptionSource> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw cliFailure("CONFIG_UNREADABLE", { what: `${path} can not be read as JSON.`, data: { path }, cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw cliFailure("CONFIG_UNREADABLE", { what: `${path} does not hold a JSON object.`, data: { path } });
  }
  const { $schema: _, ...values } = value as Record<string, unknown>;
  return { label: path, values };
}

/** Replaces `nameFile` by the content of that file, for each secret. Rejects with SECRET_FILE_UNREADABLE. */
async function readSecretFiles(table: OptionTable, { label, values }: OptionSource): Promise<OptionSource> {
  const read: Record<string, unknown> = { ...values };
  for (const [name, entry] of Object.entries(table)) {
    const path = read[`${name}File`];
    if (!isSecret(entry) || !(`${name}File` in read)) continue;
    delete read[`${name}File`];
    if (read[name] === undefined) read[name] = await readSecret(String(path), flagOf(name));
  }
  return { label, values: read };
}

export async function readSecret(path: string, what: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).replace(/\r?\n$/, "");
  } catch (cause) {
    throw cliFailure("SECRET_FILE_UNREADABLE", { what: `${what}: ${path} can not be read.`, data: { path }, cause });
  }
}

function isSecret(entry: OptionEntry): boolean {
  return "secret" in entry && entry.secret === true;
}

function sharesStart(left: string, right: string): boolean {
  return left.slice(0, 10) === right.slice(0, 10);
}
