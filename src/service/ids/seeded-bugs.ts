/** Mistakes that tests switch on to prove that the simulation finds them. Production code never passes any. */
export const IDS_BUGS = {
  "reserve-before-commit": "A window is used before it is committed.",
  "recycle-early": "A worker number changes hands while its window runs, and its new holder begins at his clock.",
  "trust-own-name": "Who held a worker number under the same name before goes on with it at his clock.",
  "forget-end": "Who gives a worker number back leaves his clock in the row, not the end of what he used.",
  "renew-unchecked": "A window is moved on without a look at whose it is.",
  "adopt-unknown": "A block whose commit was not answered is handed out as if it had been committed.",
  "count-unchecked": "A block is taken without a check that nobody else took it meanwhile.",
  "step-kept": "The step is read once only.",
  "keep-removed": "What is left of a removed tag's blocks is handed out.",
  "count-anew": "A tag that is created again begins where it began before.",
  "serve-late": "A request is given a number of a strictly ordered tag that was counted before the request came.",
} as const;

export type IdsBug = keyof typeof IDS_BUGS;

export type IdsBugs = ReadonlySet<IdsBug>;

export const NO_IDS_BUGS: IdsBugs = new Set();
