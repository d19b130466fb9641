import { type MemoryStorage, type Message, MessageType } from "../../../core/raft/index.ts";
import { invariant } from "../../kernel/index.ts";

/** What a message promises must be on the sender's disk before it leaves; the storage holds what is. */
export function checkPromise(message: Message, storage: MemoryStorage): void {
  const { type, reject, term, index, to } = message;
  if (reject) return;
  if (type === MessageType.voteResponse) {
    const stored = storage.hardState;
    const isStored = stored !== undefined && (stored.term > term || (stored.term === term && stored.vote === to));
    invariant(isStored, "a vote leaves before it is on disk", () => `for n${to} in term ${term}`);
  }
  if (type === MessageType.appendResponse) {
    // Entries of an earlier term may have been replaced meanwhile.
    const isStored = storage.lastIndex >= index || (storage.hardState?.term ?? 0) > term;
    invariant(isStored, "entries are acknowledged before they are on disk", () => `up to ${index} in term ${term}`);
  }
}
