import { type AshlarError, failures } from "../../std/errors.ts";

export const ACCESS_ERRORS = {
  POLICY_MALFORMED: {
    what: "The policy document is not valid.",
    advice: "Correct the document at the place that is named.",
  },
  POLICY_EXISTS: { what: "A policy with this name exists already.", advice: "Choose another name, or replace it." },
  POLICY_MISSING: { what: "There is no policy with this name.", advice: "List the policies to see their names." },
  POLICY_IN_USE: {
    what: "The policy is attached to users.",
    advice: "Detach it from its users first: the listing of users shows who has it.",
  },
  POLICY_BUILT_IN: {
    what: "The policy is built in and can not be changed.",
    advice: "Store a copy of its document under another name.",
  },
  USER_EXISTS: { what: "A user with this name exists already.", advice: "Choose another name." },
  USER_MISSING: { what: "There is no user with this name.", advice: "List the users to see their names." },
  KEY_EXISTS: { what: "An access key with this id exists already.", advice: "Choose another id, or let one be made." },
  KEY_MISSING: { what: "There is no access key with this id.", advice: "List the user's access keys." },
  KEY_INVALID: {
    what: "The access key id or secret does not have an allowed form.",
    advice: "Take 3 to 128 printable ASCII characters without / , = for the id, 8 to 128 for the secret.",
  },
  LIMIT_KEYS: { what: "The user has as many access keys as are allowed.", advice: "Delete keys that are not in use." },
  LIMIT_POLICIES: {
    what: "The user has as many policies attached as are allowed.",
    advice: "Put several statements into one policy.",
  },
  NAME_INVALID: {
    what: "The name does not have an allowed form.",
    advice: "Take letters, digits and + = , . @ _ - only: up to 64 for a user, up to 128 for a policy.",
  },
  DESCRIPTION_TOO_LONG: { what: "The description is too long.", advice: "Take at most 256 characters." },
  PAGE_INVALID: { what: "The page size is out of range.", advice: "Ask for 1 to 1,000 entries." },
  EXPIRY_INVALID: {
    what: "The expiry is not in the allowed range.",
    advice: "Take a time in the future; temporary credentials live 15 minutes to 7 days.",
  },
  CHAIN_REFUSED: {
    what: "Temporary or anonymous credentials can not issue temporary credentials.",
    advice: "Issue them with a permanent access key.",
  },
  REVISION_CHANGED: {
    what: "The entry was changed since it was read.",
    advice: "Read it again and repeat the change on what it is now.",
  },
  CONTENDED: { what: "Others kept changing the same entries.", advice: "Try again." },
  BUSY: { what: "Too many credentials are being looked up.", advice: "Try again later, with back-off." },
  SECRET_UNREADABLE: {
    what: "A stored secret can not be opened.",
    advice: "Start the server with the seal key that it was stored under, or replace the access key.",
  },
  RECORD_DAMAGED: {
    what: "A stored record of the access service can not be read.",
    advice: "Restore it from a backup.",
  },
  RECORD_NEWER: {
    what: "A record was written by a newer version of Ashlar.",
    advice: "Start that version or a later one.",
  },
  SESSION_MISSING: { what: "There is no such session.", advice: "List the user's sessions, or sign in again." },
  LOGIN_FAILED: { what: "The access key or the secret is not right.", advice: "Check both and try again." },
  LOGIN_DELAYED: {
    what: "There were too many failed attempts to sign in.",
    advice: "Wait before the next attempt.",
  },
} as const;

export type AccessErrorCode = keyof typeof ACCESS_ERRORS;
export type AccessError = AshlarError<AccessErrorCode>;

export const accessFailure: ReturnType<typeof failures<typeof ACCESS_ERRORS>> = failures(ACCESS_ERRORS);
