/** Every table of the Store. The numbers are part of the disk format: never reuse one. Table 0 is the machine's own. */
export const TABLES = {
  /** Names of the objects service. */
  bucket: 16,
  bucketConfiguration: 17,
  /** Current version of each key: the table that LIST reads. */
  object: 18,
  /** Noncurrent versions and delete markers, suffix = inverted version order. */
  version: 19,
  /** Inline bodies, apart from the listed rows. */
  body: 20,
  /** Multipart uploads, suffix = upload id. */
  upload: 21,
  /** Parts, suffix = upload id and part number. */
  part: 22,
  /** Pages of part lists and extents, suffix = manifest id and page. */
  manifest: 23,
  /** Needles that an owner's row has let go of: they go after the readers' grace. */
  drop: 24,
  /** The collector's verdict that a needle is unreferenced; referencing commits check that it is absent. */
  dead: 25,
  /** Keys whose rows may name a needle beside its owner's (copy, clone), suffix = needle and that key. */
  share: 26,
  /** Rows that stand for a bucket's row in other ranges than its own. */
  bucketFence: 27,
  /** Volumes: state, epoch, members, generation. */
  volume: 32,
  /** Scrub ledger, one row a volume. */
  scrub: 33,
  /** Users, access keys, policies, sessions of the access service. */
  user: 48,
  accessKey: 49,
  policy: 50,
  session: 51,
  /** The operator's record of events. */
  event: 64,
  /** Nodes of the cluster; the row of number 0 counts them. */
  node: 80,
  /** Join tokens, by the hash of their secret. */
  joinToken: 81,
  /** What all nodes share and nobody else knows, sealed: the authority's key. */
  clusterSecret: 82,
  /** Which group serves which keys, by where they begin. */
  range: 83,
  /** Groups and their members. */
  group: 84,
  /** Keys on their way from one group to another. */
  transfer: 85,
  /** Whoever holds all keys where they are, and serves none for a moment, for as long as he is alive. */
  hold: 86,
  /** Of a Store in an outside engine: which data directory its bytes are in, and which server holds it now. */
  owner: 88,
  /** Rows of users, by way of /v1/kv. No service reads or writes them, and users reach no other table. */
  kv: 96,
  /** The ids service: generators that people defined, and which worker numbers are whose, until when. */
  idGenerator: 104,
  idWorker: 105,
  /** Tags: counters that hand out numbers in blocks. */
  idTag: 106,
  /** How many generators and tags there are. */
  idCount: 107,
  /** Sizes that blocks of tags had which a table outside of the Store counts. */
  idBlockSize: 108,
} as const;

/** The group that every cluster begins with. */
export const ROOT_GROUP = 1;

/** What says where everything else is: these stay with the root group, whatever their keys are. */
export const ROOT_TABLES: ReadonlySet<number> = new Set([
  ...[TABLES.node, TABLES.joinToken, TABLES.clusterSecret],
  ...[TABLES.range, TABLES.group, TABLES.transfer, TABLES.hold],
]);
