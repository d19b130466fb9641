import { type AshlarError, failures } from "../../std/errors.ts";

export const IDS_ERRORS = {
  GENERATOR_MISSING: {
    what: "There is no generator with this name.",
    advice: "List the generators, or define one; each known layout is one under its own name.",
  },
  GENERATOR_EXISTS: { what: "A generator with this name exists already.", advice: "Choose another name." },
  GENERATOR_BUILT_IN: {
    what: "The generator is built in: it is neither defined nor removed.",
    advice: "Define one of your own under another name.",
  },
  GENERATOR_INVALID: {
    what: "The generator can not be: its worker numbers or its window do not fit its layout.",
    advice: "Take worker numbers that the layout has bits for, and a window of at least two of its units.",
  },
  GENERATOR_FIXED: {
    what: "A generator of this name made ids in another layout before it was removed.",
    advice: "Take another name, or the layout that it had: ids of two layouts could be equal.",
  },
  WORKERS_EXHAUSTED: {
    what: "All worker numbers of the generator are in use, or their windows are not over yet.",
    advice: "Wait until a window is over, stop a node that is not needed, or give the generator more worker numbers.",
  },
  WORKER_LOST: {
    what: "The worker number has passed on to another holder.",
    advice: "Ask again: another number is taken then.",
  },
  WORKER_SOURCE_UNAVAILABLE: {
    what: "Where worker numbers are leased nobody answers.",
    advice: "See whether it runs and can be reached (--worker-ids).",
  },
  TAG_MISSING: { what: "There is no tag with this name.", advice: "Create it, or list the tags." },
  TAG_EXISTS: { what: "A tag with this name exists already.", advice: "Use it, or choose another name." },
  TAG_INVALID: {
    what: "The tag can not be so.",
    advice: "The step is 1 to 1,000,000, the first number 0 to 2^63 - 1, the description has at most 256 characters.",
  },
  TAG_START_PASSED: {
    what: "Numbers from this one on have been handed out under the tag's name before.",
    advice: "Leave the first number out, or begin no earlier than is told: no number comes twice.",
  },
  TAG_USED_UP: {
    what: "The tag has no number below 2^63 left for this.",
    advice: "Go on with another tag.",
  },
  TAG_OUTSIDE: {
    what: "The tag is counted in a database outside of this server.",
    advice: "Change it there: this server only draws its numbers.",
  },
  SEQUENCE_MISSING: {
    what: "The database has no sequence, or table of tickets, for the tag.",
    advice: "Create it, or name another one (--tag-sequence).",
  },
  SEQUENCE_REFUSED: {
    what: "The tag's sequence, or table of tickets, could give a number twice.",
    advice: "Change it as is told, or name another one (--tag-sequence).",
  },
  SEQUENCE_DENIED: {
    what: "The database does not let this server draw the tag's numbers.",
    advice:
      "Check user and password; grant USAGE on the sequence, or SELECT, INSERT and DELETE on the table and LOCK TABLES.",
  },
  SEQUENCE_UNAVAILABLE: {
    what: "The database that counts the tag gave no numbers.",
    advice: "Try again later; the cause says why.",
  },
  TABLE_UNREAD: {
    what: "The table of tags has not been read since the node started.",
    advice: "Try again later; the cause says why the database can not be read.",
  },
  LIMIT_GENERATORS: { what: "There are as many generators as there may be.", advice: "Use one that exists." },
  LIMIT_TAGS: { what: "There are as many tags as there may be.", advice: "Use one that exists." },
  COUNT_INVALID: { what: "So many ids can not be asked for at once.", advice: "Ask for 1 to 100,000." },
  IDS_OVERLOADED: { what: "Too many callers wait for ids already.", advice: "Try again later, with back-off." },
  IDS_CLOSED: { what: "The node is stopping and hands out no ids.", advice: "Ask another node." },
  NAME_INVALID: {
    what: "The name is not valid.",
    advice: "Use 1 to 128 letters, digits and the characters _ . : + = , @ -.",
  },
  PAGE_INVALID: { what: "A page has 1 to 1,000 entries.", advice: "Ask for so many." },
  CONTENDED: { what: "Others changed the same rows again and again.", advice: "Try again." },
  RECORD_DAMAGED: { what: "A row of the ids service can not be read.", advice: "Restore it from a backup." },
  RECORD_NEWER: {
    what: "A row was written by a newer version of Ashlar.",
    advice: "Update this node.",
  },
} as const;

export type IdsErrorCode = keyof typeof IDS_ERRORS;
export type IdsError = AshlarError<IdsErrorCode>;

export const idsFailure: ReturnType<typeof failures<typeof IDS_ERRORS>> = failures(IDS_ERRORS);
