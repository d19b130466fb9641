// Keeps account of every commit that a workload sent, and compares that with the rows that are there. Each commit puts
// one row of its own, its receipt, which nobody else writes and nothing deletes: the receipt tells whether the commit
// was applied, and at which revision. So the applied commits are known in order, and must together give exactly the
// rows that are there.

import assert from "node:assert/strict";
import { text } from "../../std/bytes.ts";
import { AshlarError } from "../../std/errors.ts";
import type { Commit, CommitResult, Row } from "../store.ts";

export interface SentCommit {
  readonly id: number;
  readonly commit: Commit;
  /** The answer, once there was one. */
  answer: CommitResult | "refused" | undefined;
}

interface ModelRow {
  readonly value: string;
  readonly revision: number;
}

export const RECEIPT = "receipt/";

export class Ledger {
  readonly #sent: SentCommit[] = [];
  /** Refusals that say that nothing was written. All else leaves the outcome open. */
  static readonly #certain = new Set([
    "OVERLOADED",
    "NO_LEADER",
    "SESSION_WINDOW",
    "LEASE_UNKNOWN",
    "TOO_LARGE",
    "REQUEST_INVALID",
    "STOPPED",
  ]);

  get size(): number {
    return this.#sent.length;
  }

  /** `make` gets the commit's id, which its receipt is named after. */
  open(make: (id: number) => Commit): SentCommit {
    const id = this.#sent.length;
    const entry: SentCommit = { id, commit: make(id), answer: undefined };
    this.#sent.push(entry);
    return entry;
  }

  answered(entry: SentCommit, answer: CommitResult): void {
    entry.answer = answer;
  }

  failed(entry: SentCommit, error: unknown): void {
    assert.ok(error instanceof AshlarError, `a commit fails with an operating error, not with ${error}`);
    if (Ledger.#certain.has(error.code)) entry.answer = "refused";
  }

  /** All rows of the table that the commits were sent to. */
  verify(rows: readonly Row[]): void {
    const found = new Map(rows.map((row) => [text(row.key), { value: text(row.value), revision: row.revision }]));
    const applied: { readonly entry: SentCommit; readonly revision: number }[] = [];
    for (const entry of this.#sent) {
      const receipt = found.get(RECEIPT + entry.id);
      this.#compare(entry, receipt?.revision);
      if (receipt) applied.push({ entry, revision: receipt.revision });
    }
    applied.sort((left, right) => left.revision - right.revision);
    const model = new Map<string, ModelRow>();
    for (const { entry, revision } of applied) apply(model, entry, revision);
    assert.deepEqual(new Map([...found].sort()), new Map([...model].sort()), "the applied commits give the rows");
  }

  #compare({ id, commit, answer }: SentCommit, revision: number | undefined): void {
    if (answer === undefined) return;
    if (answer === "refused") assert.equal(revision, undefined, `commit ${id} was refused, and yet it is there`);
    else if (answer.committed)
      assert.equal(revision, answer.revision, `commit ${id} was acknowledged, and it is not there`);
    else {
      assert.ok(answer.failedChecks.length > 0 && answer.failedChecks.every((check) => check < commit.checks!.length));
      assert.equal(revision, undefined, `commit ${id} met a conflict, and yet it is there`);
    }
  }
}

function apply(model: Map<string, ModelRow>, { id, commit }: SentCommit, revision: number): void {
  for (const check of commit.checks ?? []) {
    const expected = "absent" in check ? undefined : check.revision;
    assert.equal(model.get(text(check.key))?.revision, expected, `the checks of commit ${id} held when it was applied`);
  }
  for (const { key, value } of commit.puts ?? []) model.set(text(key), { value: text(value), revision });
  for (const { key } of commit.deletes ?? []) model.delete(text(key));
}
