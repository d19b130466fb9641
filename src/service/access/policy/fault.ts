import type { AshlarError } from "../../../std/errors.ts";
import { accessFailure } from "../errors.ts";

/** What is wrong with a policy document, and where: `Statement[0].Condition.StringEquals["s3:prefix"][1]`. */
export function malformed(path: string, problem: string): AshlarError<"POLICY_MALFORMED"> {
  const place = path === "" ? "The policy" : path;
  return accessFailure("POLICY_MALFORMED", { what: `${place}: ${problem}`, data: { path } });
}

export function member(path: string, name: string): string {
  if (!/^[A-Za-z_]\w*$/.test(name)) return `${path}[${quoted(name)}]`;
  return path === "" ? name : `${path}.${name}`;
}

export function element(path: string, index: number): string {
  return `${path}[${index}]`;
}

/** A piece of the document inside a message, cut to a readable length. */
export function quoted(text: string): string {
  return JSON.stringify(text.length <= 80 ? text : `${text.slice(0, 77)}...`);
}
