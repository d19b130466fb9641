/** Mistakes that tests switch on to prove that the simulator finds them. Production code never passes any. */
export const HOST_BUGS = {
  "answer-by-number-alone": "A batch is taken for this node's own by its number alone, whichever node proposed it.",
  "propose-again-unheard": "A batch that nothing was heard of is proposed again, though it may be committed yet.",
  "refuse-unheard": "A caller is told that his command was not taken, though only nothing was heard of it.",
  "read-before-applied": "A read is answered when its index is known, before the machine has got there.",
  "share-earlier-read": "A read shares the answer to a question that was asked before it came.",
  "found-without-meeting": "A founder with an empty disk begins without asking whether the others hold more.",
  "snapshot-without-sync":
    "A fetched snapshot gets its final name, and the log relies on it, before its bytes are on disk.",
} as const;

export type HostBug = keyof typeof HOST_BUGS;

export type HostBugs = ReadonlySet<HostBug>;

export const NO_HOST_BUGS: HostBugs = new Set();
