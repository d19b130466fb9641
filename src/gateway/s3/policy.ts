import { isPublic, parseBucketPolicy } from "../../service/access/index.ts";
import { strictText, utf8 } from "../../std/bytes.ts";
import { readBytes } from "./document.ts";
import { s3Failure } from "./errors.ts";
import { emptyReply, type Operator, operator, type Ports } from "./operator.ts";
import type { S3Reply, S3Request } from "./request.ts";
import { XmlReply } from "./xml.ts";

/** Of the request; the document itself may have 20 KiB. */
const POLICY_BYTES_MAX = 64 * 1024;

export const getBucketPolicy: Operator = operator({
  parse: ({ bucket }) => bucket,
  handle: async (bucket, { objects }: Ports): Promise<Uint8Array> => {
    const content = await objects.getDocument(bucket, "policy");
    if (content === undefined) throw noPolicy(bucket);
    return content;
  },
  encode: (content): S3Reply => ({
    status: 200,
    headers: ["Content-Type", "application/json", "Content-Length", String(content.length)],
    body: content,
  }),
});

export const putBucketPolicy: Operator = operator({
  parse: async (input: S3Request, ports: Ports) => ({ bucket: input.bucket, document: await readPolicy(input, ports) }),
  handle: async ({ bucket, document }, { objects }) => {
    parseBucketPolicy(document, bucket);
    await objects.putDocument(bucket, "policy", utf8(document));
  },
  encode: () => emptyReply(204),
});

export const deleteBucketPolicy: Operator = operator({
  parse: ({ bucket }) => bucket,
  handle: (bucket, { objects }) => objects.deleteDocument(bucket, "policy"),
  encode: () => emptyReply(204),
});

export const getBucketPolicyStatus: Operator = operator({
  parse: ({ bucket }) => bucket,
  handle: async (bucket, { documents }: Ports): Promise<boolean> => {
    const policy = await documents.policy(bucket);
    return policy !== undefined && isPublic(policy);
  },
  encode: (everyone): S3Reply => new XmlReply("PolicyStatus").text("IsPublic", everyone).reply(),
});

async function readPolicy(input: S3Request, ports: Ports): Promise<string> {
  const document = strictText(await readBytes(input, ports, { bytesMax: POLICY_BYTES_MAX }));
  if (document === undefined) throw s3Failure("MalformedPolicy", { what: "The policy is not valid UTF-8." });
  return document;
}

function noPolicy(bucket: string): Error {
  return s3Failure("NoSuchBucketPolicy", { data: { BucketName: bucket } });
}
