import { ByteReader } from "../../std/reader.ts";
import { ByteWriter } from "../../std/writer.ts";
import type { Message } from "./messages.ts";
import type { Raft } from "./raft.ts";

/**
 * A refused vote says what the voter knows to be committed: index and term, in the message's context. A candidate that holds the entry
 * learns that it is committed. Without this a group could stand still for ever: the last voter of a new configuration may not know yet that
 * it is the last one, and needs the votes of those that were removed, whose logs are longer.
 *
 *     | index u64 | term u64 |
 */
export function addCommitHint(raft: Raft, refusal: Message): void {
  const { committed } = raft.log;
  const term = raft.log.term(committed);
  if (term === undefined || committed === 0) return;
  refusal.context = new ByteWriter(16).u64(committed).u64(term).finish();
}

export function takeCommitHint(raft: Raft, refusal: Message): void {
  if (!refusal.reject || refusal.context.length !== 16) return;
  const reader = new ByteReader(refusal.context);
  const index = reader.u64Unsafe();
  if (index > raft.log.committed && raft.log.matches(index, reader.u64Unsafe())) raft.log.commitTo(index);
}
