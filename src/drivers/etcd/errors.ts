import { type AshlarError, failures } from "../../std/errors.ts";

export const ETCD_ERRORS = {
  CLIENT_MISSING: {
    what: "The packages that speak to etcd are not installed.",
    advice: "npm i @grpc/grpc-js @grpc/proto-loader",
  },
  UNAVAILABLE: {
    what: "No member of etcd could be reached; nothing was sent.",
    advice: "Check the addresses, and that a majority of etcd's members runs.",
  },
  OUTCOME_UNKNOWN: {
    what: "The request was sent to etcd but its answer was lost.",
    advice: "Read what it may have changed.",
  },
  OVERLOADED: {
    what: "etcd takes no more requests, or its space is used up.",
    advice: "Try again later; see `etcdctl alarm list` and etcd's --quota-backend-bytes.",
  },
  TOO_LARGE: {
    what: "etcd refused the request for its size or its number of operations.",
    advice: "Start etcd with --max-request-bytes of at least 1572864 and --max-txn-ops of at least 128, its defaults.",
  },
  COMPACTED: { what: "etcd has dropped the history that was asked for.", advice: "Read the rows as they are now." },
  LEASE_UNKNOWN: { what: "etcd does not know the lease.", advice: "Grant a new one." },
  LEASE_EXISTS: { what: "etcd has a lease of this id already.", advice: "Take another id." },
  DENIED: {
    what: "etcd refused the credentials, or they do not allow this.",
    advice: "Give a user that may read and write all keys under the prefix.",
  },
  ANSWER_INVALID: {
    what: "etcd answered what was not to be expected.",
    advice: "Check that the address is etcd's (3.4 or newer) client port.",
  },
  CLOSED: { what: "The connection to etcd was closed.", advice: "Open it again." },
} as const;

export type EtcdErrorCode = keyof typeof ETCD_ERRORS;
export type EtcdError = AshlarError<EtcdErrorCode>;

export const etcdFailure: ReturnType<typeof failures<typeof ETCD_ERRORS>> = failures(ETCD_ERRORS);
