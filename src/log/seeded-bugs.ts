/** Mistakes that tests switch on to prove that the simulator finds them. Production code never passes any. */
export const LOG_BUGS = {
  "acknowledge-before-sync": "The log reports an append as durable when it is written and not synced.",
  "segment-without-directory-sync": "A new segment's name is not made durable before the log goes on in it.",
  "segment-with-its-marks": "A segment is given back with the votes and marks that stand only in it.",
  "take-damage-for-torn": "What can not be read ends the log, also where later frames prove that it had been synced.",
  "trust-what-was-read":
    "What a start reads back is not written again, though a failed sync may have left it off the disk.",
  "forget-truncation": "A start passes over the record which says that the end of a group's log was replaced.",
} as const;

export type LogBug = keyof typeof LOG_BUGS;

export type LogBugs = ReadonlySet<LogBug>;

export const NO_LOG_BUGS: LogBugs = new Set();
