// Which group has what part in a commit.

import type { PreparedCheck, PreparedCommit, PreparedPut } from "../commit-rules.ts";
import { storeFailure } from "../errors.ts";
import type { Participant, Participants } from "./participant.ts";

export interface Share {
  readonly participant: Participant;
  readonly checks: readonly PreparedCheck[];
  /** Where these checks stand in the whole commit. */
  readonly checkPositions: readonly number[];
  readonly puts: readonly PreparedPut[];
  readonly deletes: readonly Uint8Array[];
  /** Every row that is written or checked here, once or twice. */
  readonly keys: readonly Uint8Array[];
}

interface GrowingShare extends Share {
  readonly checks: PreparedCheck[];
  readonly checkPositions: number[];
  readonly puts: PreparedPut[];
  readonly deletes: Uint8Array[];
  readonly keys: Uint8Array[];
}

/** The first row that is written, or else checked. */
export function homeOf({ checks, puts, deletes }: PreparedCommit): Uint8Array | undefined {
  return puts[0]?.key ?? deletes[0] ?? checks[0]?.key;
}

/** Home's share comes first. Throws TOO_LARGE. */
export function sharesOf(commit: PreparedCommit, participants: Participants, participantsMax: number): Share[] {
  const shares = new Map<number, GrowingShare>();
  const at = (key: Uint8Array): GrowingShare => {
    const participant = participants.of(key);
    let share = shares.get(participant.id);
    if (share === undefined) {
      share = { participant, checks: [], checkPositions: [], puts: [], deletes: [], keys: [] };
      shares.set(participant.id, share);
    }
    share.keys.push(key);
    return share;
  };
  for (const put of commit.puts) at(put.key).puts.push(put);
  for (const key of commit.deletes) at(key).deletes.push(key);
  for (const [position, check] of commit.checks.entries()) {
    const share = at(check.key);
    share.checks.push(check);
    share.checkPositions.push(position);
  }
  if (shares.size > participantsMax) {
    throw storeFailure("TOO_LARGE", {
      what: "The commit touches rows of more groups than one may.",
      data: { groups: shares.size, groupsMax: participantsMax },
    });
  }
  return [...shares.values()];
}
