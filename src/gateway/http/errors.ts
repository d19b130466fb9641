import { type AshlarError, failures } from "../../std/errors.ts";

/** What an HTTP exchange can fail with before its protocol looks at it, or while its body comes in. */
export const HTTP_ERRORS = {
  TOO_MANY_REQUESTS: {
    what: "The gateway answers as many requests as it may at once.",
    advice: "Try again later, with back-off.",
  },
  BODY_TOO_SLOW: { what: "The body arrives too slowly.", advice: "Send it again over a better connection." },
  BODY_TOO_LARGE: { what: "The body is larger than this request may have.", advice: "Send less at once." },
  BODY_INCOMPLETE: { what: "The body ended before the announced length.", advice: "Send it again." },
  HEADER_INVALID: { what: "A header has an invalid value.", advice: "Correct the client." },
} as const;

export type HttpErrorCode = keyof typeof HTTP_ERRORS;
export type HttpError = AshlarError<HttpErrorCode>;

export const httpFailure: ReturnType<typeof failures<typeof HTTP_ERRORS>> = failures(HTTP_ERRORS);
