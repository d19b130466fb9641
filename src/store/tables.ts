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
} as const;
