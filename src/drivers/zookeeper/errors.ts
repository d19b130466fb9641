import { type AshlarError, failures } from "../../std/errors.ts";

export const ZOOKEEPER_ERRORS = {
  CLIENT_MISSING: {
    what: "The package that speaks to ZooKeeper is not installed.",
    advice: "npm i node-zookeeper-client",
  },
  UNAVAILABLE: {
    what: "ZooKeeper could not be reached; nothing was changed.",
    advice: "Check the addresses, and that a majority of its servers runs.",
  },
  OUTCOME_UNKNOWN: {
    what: "The request was sent to ZooKeeper but its answer was lost.",
    advice: "Read what it may have changed.",
  },
  DENIED: {
    what: "ZooKeeper does not allow this.",
    advice: "Let everybody who reaches it read and write under the path, or make its nodes so.",
  },
  ANSWER_INVALID: {
    what: "ZooKeeper refused a request.",
    advice: "Check that nobody else uses the nodes under the path; ZooKeeper 3.4 or newer is needed.",
  },
  CLOSED: { what: "The connection to ZooKeeper was closed.", advice: "Open it again." },
} as const;

export type ZookeeperErrorCode = keyof typeof ZOOKEEPER_ERRORS;
export type ZookeeperError = AshlarError<ZookeeperErrorCode>;

export const zookeeperFailure: ReturnType<typeof failures<typeof ZOOKEEPER_ERRORS>> = failures(ZOOKEEPER_ERRORS);
