/** Mistakes that tests switch on to prove that they find them. Production code never passes any. */
export const TRANSACTION_BUGS = {
  "forget-checked-rows": "A prepare locks what it writes, and not what it has checked.",
  "commit-through-locks": "A plain commit does not look whether its rows are locked.",
  "read-under-lock": "A read returns the old value of a row that a transaction is going to write.",
  "scan-under-lock": "A scan returns old values of rows that a transaction is going to write, or leaves them out.",
  "finish-before-decision": "The coordinator has the others commit before the decision is durable.",
  "resolver-commits": "Who waits for a transaction commits it where he stands, because it is prepared there.",
  "decide-without-lock": "A decision is made without a look whether home is still locked.",
  "abort-over-decision": "An abort takes the place of a decision that was made before.",
  "revision-not-raised": "A group that finishes a transaction does not raise its revision to the transaction's.",
  "forget-unfinished": "The decision is removed before the other groups have carried it out.",
  "prepare-behind-fence": "Home takes a prepare that was sent before its abort was forgotten.",
  "forget-answer": "A decision does not keep the answer to its request.",
} as const;

export type TransactionBug = keyof typeof TRANSACTION_BUGS;

export type TransactionBugs = ReadonlySet<TransactionBug>;

export const NO_TRANSACTION_BUGS: TransactionBugs = new Set();
