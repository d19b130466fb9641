import { type Message, MessageType } from "../../core/raft/index.ts";

/**
 * Appends without entries tell a follower how far the leader has committed. Each waits for a turn: callers that were
 * answered propose again, and the append with their commands says the same. Where groups are many that is half of all
 * messages, and their answers. Nothing depends on one: it could as well have been lost, and is late by a turn at most.
 */
export class CommitNews {
  /** Of this turn, and of the one before. At most one a follower. */
  #fresh: Message[] = [];
  #late: Message[] = [];

  /** Whether the message is kept back. One that another follows in its own turn goes without having been sent. */
  keeps(message: Message): boolean {
    if (message.type !== MessageType.append) return false;
    const isFirst = !(this.#drop(this.#late, message) || this.#drop(this.#fresh, message));
    if (message.entries.length > 0 || !isFirst) return false;
    this.#fresh.push(message);
    return true;
  }

  /** Those of the turn before of which no other message told. Asks for another turn where some wait for it. */
  endTurn(wake: () => void): readonly Message[] {
    if (this.#fresh.length > 0) wake();
    const late = this.#late;
    this.#late = this.#fresh;
    this.#fresh = [];
    return late;
  }

  /** False where none of them is void by what the append says. */
  #drop(waiting: Message[], { to, term, index }: Message): boolean {
    const at = waiting.findIndex((one) => one.to === to && one.term === term && one.index <= index);
    if (at >= 0) waiting.splice(at, 1);
    return at >= 0;
  }
}
