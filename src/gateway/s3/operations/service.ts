export const SERVICE_OPERATIONS = [
  {
    name: "ListBuckets",
    method: "GET",
    action: "s3:ListAllMyBuckets",
    note: "With `prefix`, `max-buckets` and `continuation-token`; without `max-buckets` all in one answer.",
  },
  { name: "ListDirectoryBuckets", method: "GET", notBuilt: "directory", elsewhere: true },
  { name: "WriteGetObjectResponse", method: "POST", notBuilt: "objectLambda", elsewhere: true },
] as const;
