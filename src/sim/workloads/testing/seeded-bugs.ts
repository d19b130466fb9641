import type { RaftBug } from "../../../core/raft/index.ts";
import type { HostBug, SessionBug } from "../../../host/index.ts";
import type { LogBug } from "../../../log/index.ts";
import type { Workload } from "../../kernel/index.ts";
import { EMPTY_DISKS, JOINERS, LINKS, POWER, SESSIONS } from "./host-grounds.ts";
import {
  BAD_NETWORK,
  ELECTIONS,
  LEASES,
  LOST_DISKS,
  MEMBERSHIP,
  READS,
  SNAPSHOTS,
  WITNESSES,
} from "./hunting-grounds.ts";

export interface SeededBug {
  readonly bug: string;
  readonly workload: Workload;
  /** It is found within so many seeds, from the first on. */
  readonly seedsMax: number;
}

/** One line a mistake. Those of the core come first, then those of what is around it: log, host, sessions. */
export const SEEDED_BUGS: readonly SeededBug[] = [
  core("vote-without-persisting", ELECTIONS, 5),
  core("vote-twice", ELECTIONS, 5),
  core("vote-for-older-log", ELECTIONS, 5),
  core("vote-by-length", ELECTIONS, 40),
  core("count-learners-votes", MEMBERSHIP, 40),
  core("elect-by-half", ELECTIONS, 20),
  core("elect-by-incoming", MEMBERSHIP, 40),
  core("lead-after-pre-vote", READS, 5),
  core("vote-after-lost-disk", LOST_DISKS, 20),
  core("acknowledge-before-disk", ELECTIONS, 10),
  core("count-own-before-disk", ELECTIONS, 20),
  core("count-lost-acknowledgements", LOST_DISKS, 40),
  core("commit-older-term", ELECTIONS, 40),
  core("commit-by-half", ELECTIONS, 20),
  core("commit-by-incoming", MEMBERSHIP, 40),
  core("count-learners", MEMBERSHIP, 40),
  core("commit-on-append", ELECTIONS, 5),
  core("heartbeat-commit-beyond-match", ELECTIONS, 5),
  core("skip-previous-term", ELECTIONS, 40),
  core("truncate-on-append", BAD_NETWORK, 20),
  core("obey-old-leader", BAD_NETWORK, 20),
  core("old-snapshot", SNAPSHOTS, 20),
  core("two-changes-at-once", MEMBERSHIP, 40),
  core("campaign-before-change", MEMBERSHIP, 40),
  core("read-without-quorum", READS, 20),
  core("read-before-own-entry", READS, 20),
  core("lease-for-ever", LEASES, 20),
  core("lease-after-transfer", LEASES, 40),
  core("lead-as-witness", WITNESSES, 20),
  around("acknowledge-before-sync", POWER, 10),
  around("segment-without-directory-sync", POWER, 10),
  around("segment-with-its-marks", POWER, 10),
  around("forget-truncation", POWER, 40),
  around("answer-by-number-alone", LINKS, 5),
  around("propose-again-unheard", LINKS, 10),
  around("refuse-unheard", LINKS, 10),
  around("read-before-applied", LINKS, 5),
  around("share-earlier-read", LINKS, 40),
  around("snapshot-without-sync", JOINERS, 10),
  around("found-without-meeting", EMPTY_DISKS, 5),
  around("snapshot-without-sessions", SESSIONS, 10),
  around("snapshot-without-answers", SESSIONS, 20),
  around("snapshot-without-order", SESSIONS, 10),
  around("apply-each-try", SESSIONS, 5),
];

function core(bug: RaftBug, workload: Workload, seedsMax: number): SeededBug {
  return { bug, workload, seedsMax };
}

function around(bug: LogBug | HostBug | SessionBug, workload: Workload, seedsMax: number): SeededBug {
  return { bug, workload, seedsMax };
}
