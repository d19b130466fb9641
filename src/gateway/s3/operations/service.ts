import type { OperationEntry } from "./operation.ts";

export const SERVICE_OPERATIONS = [
  {
    name: "ListBuckets",
    method: "GET",
    action: "s3:ListAllMyBuckets",
    note: "`prefix`, `max-buckets` (at most 1,000) and `continuation-token`; without `max-buckets` all buckets in one answer.",
  },
  { name: "ListDirectoryBuckets", method: "GET", notBuilt: "directory", elsewhere: true },
  { name: "WriteGetObjectResponse", method: "POST", notBuilt: "objectLambda", elsewhere: true },
] as const satisfies readonly OperationEntry[];
