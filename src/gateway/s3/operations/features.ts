/**
 * What S3 has and this gateway has not built: an operation or a header of it is refused with NotImplemented, never
 * ignored.
 */
export const FEATURES = {
  abac: "Attribute-based access control of buckets is not built.",
  accelerate: "Transfer acceleration belongs to AWS's edge network; there is none here.",
  acl: "Access is granted by policies. ACLs other than `private` are refused, as with BucketOwnerEnforced.",
  analytics: "Storage class analysis is not built.",
  append: "Appending to an object (`x-amz-write-offset-bytes`) is not built.",
  directory: "Directory buckets and their sessions are not built; every bucket is a general purpose bucket.",
  encryption: "Encryption at rest (SSE-S3, SSE-KMS, SSE-C) is not built; encrypt the disk or the object.",
  intelligentTiering: "Intelligent tiering is not built; there is one tier.",
  inventory: "Inventory reports are not built; list the bucket.",
  lifecycle: "Lifecycle rules are not built.",
  logging: "Bucket access logs are not built; the server's own access log has every request.",
  metadataTables: "Metadata tables are not built.",
  metrics: "Per-bucket metrics configurations are not built; `/metrics` of the API port has the server's.",
  mfaDelete: "MFA delete is not built.",
  notification: "Event notifications are not built.",
  objectLambda: "Object Lambda is not built.",
  objectLock: "Object lock (retention and legal hold) is not built.",
  ownershipControls: "Ownership is always BucketOwnerEnforced.",
  publicAccessBlock: "Public access blocks are not built; nothing is public unless a bucket policy says so.",
  rename: "RenameObject is not built; copy and delete.",
  replication: "Bucket replication is not built.",
  requestPayment: "Nobody is charged for requests.",
  restore: "There is no archive tier to restore from.",
  select: "S3 Select is not built.",
  torrent: "BitTorrent is not built (AWS has withdrawn it).",
  website: "Website hosting is not built.",
} as const;

export type Feature = keyof typeof FEATURES;
