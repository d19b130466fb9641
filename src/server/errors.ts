import { type AshlarError, failures } from "../std/errors.ts";

export const SERVER_ERRORS = {
  DATA_FORMAT_NEWER: {
    what: "The data directory was written by a newer version of Ashlar.",
    advice: "Start that version or a later one; nothing was changed.",
  },
  DATA_FILE_DAMAGED: {
    what: "A file of the data directory can not be read.",
    advice: "Restore the file that is named from a backup.",
  },
  RESTORE_UNFINISHED: {
    what: "A restore into this data directory broke off.",
    advice: "Remove the directory and restore the backup again.",
  },
  PLAINTEXT_REFUSED: {
    what: "A listener on an address that is not loopback has no TLS.",
    advice: "Give it a certificate and a key, or say --allow-plaintext.",
  },
  ADDRESS_REFUSED: {
    what: "A listener can not have its address.",
    advice: "Stop what listens there, or name another address; port 0 takes any free one.",
  },
  PROXY_INVALID: {
    what: "A trusted proxy is neither an address nor a network.",
    advice: "Write 10.0.0.7 or 10.0.0.0/8.",
  },
  TLS_INCOMPLETE: {
    what: "A listener has a certificate without a key, or a key without a certificate.",
    advice: "Give both.",
  },
  CLUSTER_OPTIONS_INVALID: {
    what: "The options of a cluster do not fit together.",
    advice:
      "Give each node its own --node-id, a --peer for every other one, and the same --cluster, root key and seal key.",
  },
  CLUSTER_CHANGED: {
    what: "The data directory is of another node, another cluster, or a cluster of other nodes.",
    advice: "Give the node the data directory that it had; who is in a cluster can not be changed yet.",
  },
  ROOT_KEY_INCOMPLETE: {
    what: "One half of a root key is given.",
    advice:
      "Set both ASHLAR_ROOT_ACCESS_KEY and ASHLAR_ROOT_SECRET_KEY (or ASHLAR_ROOT_SECRET_KEY_FILE), or neither of them.",
  },
  ROOT_KEY_INVALID: {
    what: "The root key is not valid.",
    advice: "Use an access key of 3 to 128 characters without spaces, and a secret key of at least 8.",
  },
} as const;

export type ServerErrorCode = keyof typeof SERVER_ERRORS;
export type ServerError = AshlarError<ServerErrorCode>;

export const serverFailure: ReturnType<typeof failures<typeof SERVER_ERRORS>> = failures(SERVER_ERRORS);
