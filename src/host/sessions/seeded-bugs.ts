/** Mistakes that tests switch on to prove that the simulator finds them. Production code never passes any. */
export const SESSION_BUGS = {
  "snapshot-without-sessions": "A snapshot that is restored brings the machine's state, and no sessions.",
  "snapshot-without-answers": "A snapshot has the sessions, and not what they were answered.",
  "snapshot-without-order":
    "A snapshot lists sessions by their number, and so another one than elsewhere is given up next.",
  "apply-each-try": "A command is applied without a look at whether its number was answered before.",
} as const;

export type SessionBug = keyof typeof SESSION_BUGS;

export type SessionBugs = ReadonlySet<SessionBug>;

export const NO_SESSION_BUGS: SessionBugs = new Set();
