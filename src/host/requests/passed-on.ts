import { decodeConfChange, isConfChange, type Message, type RaftNode } from "../../core/raft/index.ts";
import { hasCode } from "../../std/errors.ts";
import type { GroupServices } from "../group-services.ts";
import { changeNameOf } from "../members/member-changes.ts";
import { batchNameOf } from "./entry.ts";

/**
 * Proposals that one node passes on to another, which leads in the term that the first one names. Nobody else may put
 * them into a log: so whoever sees an entry of a later term decided knows that what was not decided before it never will
 * be. A batch that comes too late is sent back instead of further on.
 */
export class PassedOn {
  readonly #services: GroupServices;
  readonly #group: number;

  constructor(services: GroupServices, group: number) {
    this.#services = services;
    this.#group = group;
  }

  /** This node's own, on their way to the leader of its present term. */
  sent(message: Message, term: number): void {
    message.logTerm = term;
  }

  /** Another node's: whether the core may have them. Who sent them is told where not. */
  admits(message: Message, node: RaftNode): boolean {
    const isLate = message.logTerm !== 0 && (node.role !== "leader" || node.currentTerm !== message.logTerm);
    if (this.#services.log.isNearlyFull === true || (isLate && message.entries.some((entry) => batchNameOf(entry)))) {
      this.refuse(message);
      return false;
    }
    return !this.#isUnsafe(message, node);
  }

  /** Nobody leads here, or nothing more can be taken: whoever sent the proposals may try again at once. */
  refuse({ from, entries }: Message): void {
    for (const entry of entries) {
      const name = batchNameOf(entry);
      if (name !== undefined && from !== this.#services.nodeId) this.#services.refuse(from, this.#group, name);
    }
  }

  #isUnsafe({ from, entries }: Message, node: RaftNode): boolean {
    for (const entry of entries) {
      if (!isConfChange(entry)) continue;
      const change = decodedChange(entry.data);
      const name = change && changeNameOf(change);
      const why = name?.isStrict === true ? node.changeHazard(change!, this.#services.isSilent) : undefined;
      if (why === undefined) continue;
      this.#services.refuseChange(from, this.#group, { ...name!, why });
      return true;
    }
    return false;
  }
}

/** Undefined where it is none: the core says so. */
function decodedChange(bytes: Uint8Array): ReturnType<typeof decodeConfChange> | undefined {
  try {
    return decodeConfChange(bytes);
  } catch (error) {
    if (hasCode(error, "MALFORMED")) return undefined;
    throw error;
  }
}
