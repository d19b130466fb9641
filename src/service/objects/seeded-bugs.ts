/** Mistakes that tests switch on to prove that the simulator finds them. Production code never passes any. */
export const OBJECT_BUGS = {
  "write-without-fence": "A write does not check in its commit that its bucket is still the one that it began in.",
  "judge-before-commit": "Conditions are judged on what was read, and the commit does not check that it is still so.",
} as const;

export type ObjectBug = keyof typeof OBJECT_BUGS;

export type ObjectBugs = ReadonlySet<ObjectBug>;

export const NO_OBJECT_BUGS: ObjectBugs = new Set();
