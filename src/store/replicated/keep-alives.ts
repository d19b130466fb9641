// The keep-alive of a lease on any member of its group: whoever leads times leases, so that is who is told. The barrier
// of the leader stands before it, there: who leads after that gives the lease its full time anyway.

import type { Timers } from "../../env/index.ts";
import { hasCode } from "../../std/errors.ts";
import { ByteWriter } from "../../std/writer.ts";
import { storeFailure } from "../errors.ts";
import type { GroupCalls } from "../ranges/group-calls.ts";
import { isPeerFailure, refusalOf } from "../ranges/peer-errors.ts";
import type { LeaseId } from "../store.ts";
import type { StoreGroup } from "./group.ts";
import type { LeaseService } from "./leases.ts";

export interface KeepAliveSettings {
  readonly group: Pick<StoreGroup, "lead" | "isLeader">;
  readonly groupId: number;
  readonly leases: LeaseService;
  /** Undefined where this member can not ask the others: then it says NOT_LEADER. */
  readonly calls: GroupCalls | undefined;
  readonly timers: Timers;
  readonly retryMillis: number;
  /** Rejects with NO_LEADER where nobody leads for too long. */
  readonly barrier: () => Promise<void>;
}

const CALL_MILLIS_MAX = 5_000;
/** Leaders that are asked one after the other, as the members learn who leads. */
const ATTEMPTS_MAX = 4;

export class KeepAlives {
  readonly #settings: KeepAliveSettings;

  constructor(settings: KeepAliveSettings) {
    this.#settings = settings;
  }

  /** Rejects with LEASE_UNKNOWN once it has ended, with NO_LEADER where no leader could be told. */
  async keepAlive(lease: LeaseId): Promise<void> {
    const { calls, group } = this.#settings;
    let cause: unknown;
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      if (attempt > 0) await this.#pause();
      try {
        if (calls === undefined || this.#settings.leases.leadsHere) return await this.keepAliveHere(lease);
        // It waits for a leader whom a quorum hears.
        if (attempt > 0 || group.lead === 0) await this.#settings.barrier();
        return await this.#tell(calls, group.lead, lease);
      } catch (error) {
        if (calls === undefined || !hasCode(error, "NOT_LEADER")) throw error;
        cause = error;
      }
    }
    throw storeFailure("NO_LEADER", { what: "No leader of the lease's group could be told.", cause });
  }

  /** Rejects with NOT_LEADER where another member leads. */
  async keepAliveHere(lease: LeaseId): Promise<void> {
    const { leases, barrier } = this.#settings;
    leases.checkLeads();
    await barrier();
    leases.keepAlive(lease);
  }

  /** Rejects with NOT_LEADER where that node could not do it, but another might. */
  async #tell(calls: GroupCalls, leader: number, lease: LeaseId): Promise<void> {
    try {
      const body = new ByteWriter(16).varint(lease).finish();
      await calls.ask(leader, this.#settings.groupId, "keepAlive", body, { timeoutMillis: CALL_MILLIS_MAX });
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal !== undefined && !hasCode(refusal, "STOPPED")) throw refusal;
      if (!isPeerFailure(error)) throw error;
      throw storeFailure("NOT_LEADER", { data: { leader }, cause: error });
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#settings.timers.after(this.#settings.retryMillis, resolve));
  }
}
