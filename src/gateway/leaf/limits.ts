export const LEAF_LIMITS = {
  /** Ids of one request where their order is hidden: each costs some microseconds. Else it is the service's limit. */
  hiddenSizeMax: 1000,
  /** Digits of a number to decode. */
  digitsMax: 64,
  /** Tags of one page of JSON. */
  pageRowsMax: 1000,
  pageRowsDefault: 100,
  /** Rows of the tables under /cache and /db; /api/segment/tags lists the others. */
  tableRowsMax: 10_000,
} as const;
