import { encodeCommand } from "../command.ts";
import { prepareCommit } from "../commit-rules.ts";
import { encodeAddress } from "../key-codec.ts";
import type { PrepareCommand } from "../machine/prepared-commands.ts";
import type { Commit, RequestName } from "../store.ts";
import type { SentCommand } from "../transactions/participant.ts";
import { at } from "./machine-driver.ts";

export function transaction(number: number): Uint8Array {
  return new Uint8Array(16).fill(number);
}

export function row(name: string): Uint8Array {
  return encodeAddress(at(name));
}

/** Of transaction `number`, whose home is the row `home`. `known` where that is in this group. */
export function prepareOf(number: number, home: string, commit: Commit, known?: number): PrepareCommand {
  return { kind: "prepare", transaction: transaction(number), home: row(home), known, ...prepareCommit(commit) };
}

export function prepare(number: number, home: string, commit: Commit, known?: number): Uint8Array {
  return encodeCommand(prepareOf(number, home, commit, known));
}

export interface DecideFields {
  readonly keys: readonly string[];
  readonly others?: readonly string[];
  readonly request?: RequestName;
}

export function decide(number: number, home: string, revision: number, fields: DecideFields): Uint8Array {
  const { keys, others = [], request } = fields;
  return encodeCommand({
    ...{ kind: "decide", transaction: transaction(number), home: row(home), revision },
    request: request && { acknowledged: 0, ...request },
    keys: keys.map(row),
    others: others.map(row),
  });
}

export function abort(number: number, home: string): Uint8Array {
  return encodeCommand({ kind: "abort", transaction: transaction(number), home: row(home) });
}

export function finishOf(number: number, revision: number, keys: readonly string[]): SentCommand {
  return { kind: "finish", transaction: transaction(number), revision, keys: keys.map(row), conflict: undefined };
}

export function finish(number: number, revision: number, keys: readonly string[]): Uint8Array {
  return encodeCommand(finishOf(number, revision, keys));
}

export function forget(number: number, home: string): Uint8Array {
  return encodeCommand({ kind: "forget", records: [{ transaction: transaction(number), home: row(home) }] });
}
