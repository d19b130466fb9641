import type { Clock, Disk, Random, Timers } from "../../env/index.ts";
import type { RaftLog } from "./raft-log.ts";

/** Time and chance, where a group has them from. */
export interface RaftEnv {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
}

/** What of a disk snapshots need: files that are durable once they and their folder are synced. */
export type SnapshotDisk = Pick<Disk, "open" | "list" | "makeDirectory" | "rename" | "remove" | "syncDirectory">;

/** Where a member keeps what it must find again. It belongs to one member at a time, and outlives it. */
export interface RaftStorage {
  /** The world that it lives in, for the group's time and chance, too, unless its owner gives others. */
  readonly env?: RaftEnv;
  /**
   * Reads back what is there. `onFatal` is called once when the storage fails for good: the member must stop. Rejects
   * where what is there can not be trusted, or where somebody else has it open.
   */
  open(settings: { readonly onFatal: (error: Error) => void }): Promise<OpenRaftStorage>;
}

/** Disposing of it ends it, and waits for what is on its way; the storage can be opened again then. */
export interface OpenRaftStorage extends AsyncDisposable {
  readonly log: RaftLog;
  readonly disk: SnapshotDisk;
}
