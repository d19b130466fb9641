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
  START_ABORTED: {
    what: "The server was told to stop before it was ready.",
    advice: "Start it again; a node of a cluster is ready once a majority of the nodes runs.",
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
    advice: "Give --join with a join token (ASHLAR_JOIN_TOKEN or ASHLAR_JOIN_TOKEN_FILE), or neither.",
  },
  CLUSTER_CHANGED: {
    what: "The data directory is not one that can become a node's of this cluster.",
    advice: "Join with an empty data directory.",
  },
  JOIN_FAILED: {
    what: "The cluster did not let this node join.",
    advice: "Check the address after --join, and that the node there is ready (`/readyz`).",
  },
  STORE_OPTION_INVALID: {
    what: "--store does not name an engine.",
    advice:
      "Write etcd://HOST:PORT[,HOST:PORT...]/PREFIX or postgres://USER@HOST:PORT/DATABASE, without --join and --memory.",
  },
  WORKER_IDS_INVALID: {
    what: "--worker-ids names no source of worker numbers.",
    advice:
      "Write static:N, etcd://HOST:PORT/PREFIX, postgres:// or mysql://USER@HOST/DATABASE, redis:// or zookeeper://HOST:PORT.",
  },
  STORE_CHANGED: {
    what: "The data directory belongs to another Store.",
    advice:
      "Start it with the Store that it was made with: the rows there and the bytes here are useless without each other.",
  },
  STORE_OF_OTHER_DATA: {
    what: "The Store belongs to another data directory, which holds the objects' bytes.",
    advice: "Start with that data directory, or give this one a prefix or a database of its own.",
  },
  STORE_IN_USE: {
    what: "Another server works on this Store.",
    advice: "Stop it: two servers must not share a data directory or a copy of one.",
  },
  STORE_LOST: {
    what: "This server no longer holds its Store: it could not be heard of for too long.",
    advice: "Start it again; it waits for another server that may hold the Store now.",
  },
  MYSQL_OPTION_INVALID: {
    what: "--leaf-mysql names no database.",
    advice: "Write mysql://USER@HOST:PORT/DATABASE, together with --leaf-listen.",
  },
  TAG_DATABASE_INVALID: {
    what: "--tag-database and --tag-sequence do not name sequences of a database.",
    advice:
      "Write postgres://USER@HOST/DATABASE or mysql://USER@HOST:PORT/DATABASE, and each TAG or TAG=SEQUENCE once.",
  },
  LEAF_KEY_INVALID: {
    what: "The key that hides the order of ids is not valid.",
    advice:
      "Set ASHLAR_LEAF_HIDING_KEY (or ASHLAR_LEAF_HIDING_KEY_FILE) to 32 hexadecimal digits, from `openssl rand -hex 16`.",
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
