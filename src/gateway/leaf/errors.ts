import { type AshlarError, failures } from "../../std/errors.ts";

export const LEAF_ERRORS = {
  NO_ID: {
    what: "No id could be handed out.",
    advice: "Look at the header X-Ashlar-Error for the reason, and try again where it passes.",
  },
  KEY_NONE: { what: "Key is none", advice: "Name a tag: /api/segment/get/TAG." },
  KEY_MALFORMED: { what: "The key holds a % that begins no escape.", advice: "Escape it as UTF-8." },
  PATH_MISSING: {
    what: "No message available",
    advice: "See the manual's page on Leaf for the paths that there are.",
  },
  PARAMETER_MISSING: { what: "A parameter is missing.", advice: "Add it." },
  PARAMETER_INVALID: {
    what: "A parameter of the query is not valid.",
    advice: "Take size=1 to 100000, format=text or json, limit=1 to 1000, each once.",
  },
  SIZE_HIDDEN: {
    what: "So many ids can not be asked for at once where their order is hidden.",
    advice: "Ask for 1 to 1,000.",
  },
  CREDENTIAL_MISSING: {
    what: "The request carries no credential.",
    advice:
      "Send an access key and its secret (HTTP Basic, or Signature Version 4); or start the server with --leaf-anonymous.",
  },
  CREDENTIAL_REFUSED: {
    what: "The credential is not good.",
    advice: "Check the access key and its secret, and whether the key or its user is disabled or expired.",
  },
  ACCESS_DENIED: { what: "The caller may not do this.", advice: "Have a policy attached that allows it." },
} as const;

export type LeafErrorCode = keyof typeof LEAF_ERRORS;
export type LeafError = AshlarError<LeafErrorCode>;

export const leafFailure: ReturnType<typeof failures<typeof LEAF_ERRORS>> = failures(LEAF_ERRORS);
