// The commands of a commit over several groups, as they stand in the log behind version and kind (command.ts):
//
//   prepare:  transaction, home, known + 1 or 0, lease, request, checks, puts, deletes   (the last five as in a commit)
//   decide:   transaction, home, revision, request, keys: count * key, others: count * key
//   abort:    transaction, home
//   finish:   transaction, revision or 0 for an abort, keys: count * key, request, failedChecks: blob
//   forget:   count * (home, transaction)
//
// A transaction is named by 16 bytes. The first row that it writes, or else checks, is its home: the group of that row
// decides it.

import type { ByteReader } from "../../std/reader.ts";
import type { ByteWriter } from "../../std/writer.ts";
import {
  countOf,
  decodeCommitFields,
  decodeKeys,
  decodeRequest,
  encodeCommitFields,
  encodeKeys,
  encodeRequest,
} from "../commit-codec.ts";
import type { PreparedCommit, PreparedRequest } from "../commit-rules.ts";
import { STORE_LIMITS } from "../store.ts";
import { TRANSACTION_BYTES } from "./prepared-keys.ts";

export interface TransactionName {
  readonly transaction: Uint8Array;
  /** The encoded address of its home. */
  readonly home: Uint8Array;
}

/** Locks one group's share of a commit, if its checks hold and nobody else has locked any of it. Sent at most once. */
export interface PrepareCommand extends TransactionName, PreparedCommit {
  readonly kind: "prepare";
  /**
   * At home: a revision that the group had reached before this was sent. Elsewhere undefined. With it home refuses what
   * was on its way while the transaction was aborted and forgotten.
   */
  readonly known: number | undefined;
}

/** At home, by who has all prepared: the commit happens with this command, or not any more. */
export interface DecideCommand extends TransactionName {
  readonly kind: "decide";
  /** The largest that any group proposed. */
  readonly revision: number;
  readonly request: PreparedRequest | undefined;
  /** What it has locked in home's group. */
  readonly keys: readonly Uint8Array[];
  /** What it has locked in others: the decision is kept until these are free. */
  readonly others: readonly Uint8Array[];
}

/** At home, by who waits for a transaction that nobody decides. The decision that it answers may be another one. */
export interface AbortCommand extends TransactionName {
  readonly kind: "abort";
}

/** Carries out a decision for these rows. What the transaction has not locked there is passed over. */
export interface FinishCommand {
  readonly kind: "finish";
  readonly transaction: Uint8Array;
  /** 0: it was aborted. */
  readonly revision: number;
  readonly keys: readonly Uint8Array[];
  /** An aborted one, at home: the request is answered so from now on. */
  readonly conflict: { readonly request: PreparedRequest; readonly failedChecks: readonly number[] } | undefined;
}

/** Removes decisions that have been carried out. */
export interface ForgetCommand {
  readonly kind: "forget";
  readonly records: readonly TransactionName[];
}

export type TransactionCommand = PrepareCommand | DecideCommand | AbortCommand | FinishCommand | ForgetCommand;

export const KIND_PREPARE = 16;
export const KIND_DECIDE = 17;
export const KIND_ABORT = 18;
export const KIND_FINISH = 19;
export const KIND_FORGET = 20;

export const FORGETS_MAX = 256;
const KEYS_MAX = STORE_LIMITS.checksMax + STORE_LIMITS.writesMax;

export function encodeTransactionCommand(writer: ByteWriter, command: TransactionCommand): Uint8Array {
  switch (command.kind) {
    case "prepare":
      name(writer.u8(KIND_PREPARE), command).varint(command.known === undefined ? 0 : command.known + 1);
      encodeCommitFields(writer, command);
      break;
    case "decide":
      name(writer.u8(KIND_DECIDE), command).varint(command.revision);
      encodeRequest(writer, command.request);
      encodeKeys(writer, command.keys);
      encodeKeys(writer, command.others);
      break;
    case "abort":
      name(writer.u8(KIND_ABORT), command);
      break;
    case "finish":
      writer.u8(KIND_FINISH).raw(command.transaction).varint(command.revision);
      encodeKeys(writer, command.keys);
      encodeRequest(writer, command.conflict?.request);
      writer.blob(Uint8Array.from(command.conflict?.failedChecks ?? []));
      break;
    case "forget":
      writer.u8(KIND_FORGET).varint(command.records.length);
      for (const record of command.records) name(writer, record);
      break;
  }
  return writer.finish();
}

/** Undefined where it is no kind of these. */
export function decodeTransactionCommand(kind: number, reader: ByteReader): TransactionCommand | undefined {
  switch (kind) {
    case KIND_PREPARE:
      return decodePrepare(reader);
    case KIND_DECIDE: {
      const fields = { kind: "decide" as const, ...readName(reader), revision: reader.varint() };
      return {
        ...fields,
        request: decodeRequest(reader),
        keys: decodeKeys(reader, KEYS_MAX),
        others: decodeKeys(reader, KEYS_MAX),
      };
    }
    case KIND_ABORT:
      return { kind: "abort", ...readName(reader) };
    case KIND_FINISH:
      return decodeFinish(reader);
    case KIND_FORGET:
      return { kind: "forget", records: Array.from({ length: countOf(reader, FORGETS_MAX) }, () => readName(reader)) };
    default:
      return undefined;
  }
}

function decodePrepare(reader: ByteReader): PrepareCommand {
  const named = readName(reader);
  const known = reader.varint();
  return { ...named, known: known === 0 ? undefined : known - 1, ...decodeCommitFields(reader, "prepare") };
}

function decodeFinish(reader: ByteReader): FinishCommand {
  const transaction = reader.raw(TRANSACTION_BYTES);
  const [revision, rows, request] = [reader.varint(), decodeKeys(reader, KEYS_MAX), decodeRequest(reader)];
  const failedChecks = [...reader.blob()];
  return { kind: "finish", transaction, revision, keys: rows, conflict: request && { request, failedChecks } };
}

function name(writer: ByteWriter, { transaction, home }: TransactionName): ByteWriter {
  return writer.raw(transaction).blob(home);
}

function readName(reader: ByteReader): TransactionName {
  return { transaction: reader.raw(TRANSACTION_BYTES), home: reader.blob() };
}
