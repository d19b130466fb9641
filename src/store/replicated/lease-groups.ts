import type { LeaseId } from "../store.ts";

/** The other groups, as far as leases go: all are the root group's, and any may hold rows of them. */
export interface LeaseGroups {
  /** Resolves when nothing of a lease is left in a group, or the group is no more. */
  end(lease: LeaseId, group: number): Promise<void>;
  /** Whether it lives, as the root group has it: that knows from then on that the group may hold rows of it. */
  lend(lease: LeaseId, group: number): Promise<boolean>;
  /** The same for leases whose rows go to a group with their keys, also while they end: before the rows are there. */
  lendMoved(leases: Iterable<LeaseId>, group: number): Promise<void>;
}

/** For a group that is alone. */
export const NO_OTHER_GROUPS: LeaseGroups = { end: async () => {}, lend: async () => true, lendMoved: async () => {} };
