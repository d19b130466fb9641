// Gets transactions out of the way whose coordinator does not: asks home for the decision and carries it out where it is
// waited for. What stays undecided for too long is aborted at home, by a command that never takes the place of a
// decision; so it does no harm where the coordinator is only slow.

import type { Clock } from "../../env/index.ts";
import { toHex } from "../../std/bytes.ts";
import type { TransactionBugs } from "../machine/prepared-bugs.ts";
import type { TransactionOptions } from "./options.ts";
import type { Decision, LockedBy, Participant, Participants } from "./participant.ts";

export interface ResolverSettings {
  readonly clock: Clock;
  readonly participants: Participants;
  readonly options: Pick<TransactionOptions, "resolveAfterMillis">;
  readonly bugs: TransactionBugs;
}

/** Transactions whose age is remembered; beyond it the oldest are taken for new ones. */
const SEEN_MAX = 65_536;
/** Calls that are under way at once; more transactions have to wait for the next look. */
const LOOKS_MAX = 256;

export class Resolver {
  readonly #settings: ResolverSettings;
  /** When each was first seen in the way, by this node's clock. */
  readonly #seen = new Map<string, number>();
  readonly #looking = new Set<string>();

  constructor(settings: ResolverSettings) {
    this.#settings = settings;
  }

  /** How long it is known to be in the way. */
  ageMillis(transaction: Uint8Array): number {
    const id = toHex(transaction);
    const now = this.#settings.clock.monotonic();
    const first = this.#seen.get(id);
    if (first !== undefined) return now - first;
    if (this.#seen.size >= SEEN_MAX) this.#seen.delete(this.#seen.keys().next().value!);
    this.#seen.set(id, now);
    return 0;
  }

  forget(transaction: Uint8Array): void {
    this.#seen.delete(toHex(transaction));
  }

  /**
   * Carries out the decision where the lock is, if there is one by now. `rows` says what else the transaction has locked
   * there. Rejects as participants do; whoever waits looks again later.
   */
  async look(lock: LockedBy, where: Participant, rows: () => readonly Uint8Array[] = () => [lock.row]): Promise<void> {
    const id = `${where.id} ${toHex(lock.transaction)}`;
    if (this.#looking.has(id) || this.#looking.size >= LOOKS_MAX) return;
    this.#looking.add(id);
    try {
      const decision = await this.#decisionOf(lock);
      if (decision === undefined) return;
      const { transaction } = lock;
      const revision = decision.committed ? decision.revision : 0;
      const result = await where.send({ kind: "finish", transaction, revision, keys: rows(), conflict: undefined });
      if (result.kind === "refused") await this.#settings.participants.correct?.();
    } finally {
      this.#looking.delete(id);
    }
  }

  async #decisionOf(lock: LockedBy): Promise<Decision | undefined> {
    const { participants, options, bugs } = this.#settings;
    const age = this.ageMillis(lock.transaction);
    const home = participants.of(lock.home);
    const known = await home.readDecision(lock);
    if (known !== undefined || age < options.resolveAfterMillis) return known;
    const { transaction } = lock;
    if (bugs.has("resolver-commits")) return { committed: true, revision: home.revision + 1 };
    const result = await home.send({ kind: "abort", transaction, home: lock.home });
    return result.kind === "decided" ? result.decision : undefined;
  }
}
