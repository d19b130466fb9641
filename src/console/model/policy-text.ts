// Policies are edited as their JSON text; here are texts to begin with.

/** Indented, where it is JSON; as it is otherwise, for nothing that somebody wrote is to be lost. */
export function prettyDocument(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}

export function starterPolicy(): string {
  return documentOf({
    Effect: "Allow",
    Action: ["s3:ListBucket", "s3:GetObject"],
    Resource: ["arn:aws:s3:::BUCKET", "arn:aws:s3:::BUCKET/*"],
  });
}

/** Anybody may read objects whose names they know, without a credential. */
export function publicReadPolicy(bucket: string): string {
  return documentOf({ Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: `arn:aws:s3:::${bucket}/*` });
}

/** What people ask about most; the field takes any other action too. */
export const COMMON_ACTIONS: readonly string[] = [
  "s3:GetObject",
  "s3:PutObject",
  "s3:DeleteObject",
  "s3:ListBucket",
  "s3:ListAllMyBuckets",
  "s3:CreateBucket",
  "s3:DeleteBucket",
  "s3:GetObjectVersion",
  "s3:DeleteObjectVersion",
  "s3:PutBucketPolicy",
  "s3:PutBucketVersioning",
  "ashlar:GetStatus",
  "ashlar:ListEvents",
  "ashlar:ListUsers",
  "ashlar:CreateUser",
  "ashlar:CreateAccessKey",
  "ashlar:PutPolicy",
];

function documentOf(statement: object): string {
  return JSON.stringify({ Version: "2012-10-17", Statement: [statement] }, undefined, 2);
}
