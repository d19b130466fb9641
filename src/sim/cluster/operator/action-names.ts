/** What an operator may do, in the order in which a seed decides on each of them. */
export const ACTIONS = [
  "restart",
  "drain-and-resume",
  "remove-drained",
  "remove-dead",
  "join",
  "copied-directory",
  "old-directory",
] as const;

export type ActionName = (typeof ACTIONS)[number];
