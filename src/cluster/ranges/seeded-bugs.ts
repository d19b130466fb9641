/** Mistakes that tests switch on to prove that the simulator finds them. Production code never passes any. */
export const RANGE_BUGS = {
  "forget-group-too-early": "A node forgets a group as soon as the row does not name it, while it is still a member.",
  "map-changed-first": "The map names the target of a transfer before the target serves the keys.",
  "release-skipped": "A transfer counts as done though the source has not let go of the keys.",
  "attempt-not-counted": "Who goes on with a transfer takes the number of the attempt that broke off.",
  "retire-while-keys-come": "A group without a range is given up though keys are on their way to it.",
  "give-up-too-late": "A transfer counts as given up though the target serves the keys already.",
} as const;

export type RangeBug = keyof typeof RANGE_BUGS;

export type RangeBugs = ReadonlySet<RangeBug>;

export const NO_RANGE_BUGS: RangeBugs = new Set();
