import type { Versioning } from "../../service/objects/index.ts";
import { readDocument, SMALL_BYTES_MAX } from "./document.ts";
import { notImplemented, s3Failure } from "./errors.ts";
import { FEATURES } from "./operations/index.ts";
import { emptyReply, type Operator, operator, type Ports } from "./operator.ts";
import type { S3Reply, S3Request } from "./request.ts";
import { textOf, XmlReply } from "./xml.ts";

export const getBucketVersioning: Operator = operator({
  parse: ({ bucket }) => bucket,
  handle: async (bucket, { objects }: Ports): Promise<Versioning> => (await objects.headBucket(bucket)).versioning,
  encode: (versioning): S3Reply => {
    const xml = new XmlReply("VersioningConfiguration");
    // A bucket that never had versioning has no status at all.
    if (versioning !== "off") xml.text("Status", versioning === "enabled" ? "Enabled" : "Suspended");
    return xml.reply();
  },
});

export const putBucketVersioning: Operator = operator({
  parse: async (input, ports) => ({ bucket: input.bucket, versioning: await readVersioning(input, ports) }),
  handle: ({ bucket, versioning }, { objects }) => objects.setVersioning(bucket, versioning),
  encode: () => emptyReply(200),
});

async function readVersioning(input: S3Request, ports: Ports): Promise<"enabled" | "suspended"> {
  const root = await readDocument(input, ports, {
    root: "VersioningConfiguration",
    children: ["Status", "MfaDelete", "MFADelete"],
    bytesMax: SMALL_BYTES_MAX,
  });
  if (textOf(root, "MfaDelete") === "Enabled" || textOf(root, "MFADelete") === "Enabled") {
    throw notImplemented(FEATURES.mfaDelete);
  }
  const status = textOf(root, "Status");
  if (status === "Enabled") return "enabled";
  if (status === "Suspended") return "suspended";
  if (status === undefined) {
    throw s3Failure("IllegalVersioningConfigurationException", {
      what: "The Versioning element must be specified",
    });
  }
  throw s3Failure("MalformedXML");
}
