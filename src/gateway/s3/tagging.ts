import type { ObjectName, Tags } from "../../service/objects/index.ts";
import { readDocument } from "./document.ts";
import { s3Failure } from "./errors.ts";
import { tagContext } from "./needs.ts";
import { emptyReply, type Operator, operator, type Ports } from "./operator.ts";
import type { Need } from "./permissions.ts";
import { type S3Reply, type S3Request, versionIdOf } from "./request.ts";
import { decodeBucketTags, encodeBucketTags } from "./tagging-document.ts";
import { addTag } from "./tags.ts";
import { textOf, type XmlElement, XmlReply } from "./xml.ts";

const TAGGING_BYTES_MAX = 128 * 1024;
const BUCKET_TAGS_MAX = 50;
const TAG_KEY_CHARACTERS_MAX = 128;
const TAG_VALUE_CHARACTERS_MAX = 256;

export const getObjectTagging: Operator = operator({
  parse: objectNameOf,
  handle: (name, { objects }) => objects.getTags(name),
  encode: ({ tags, versionId }): S3Reply => writeTags(tags).reply(versionHeader(versionId)),
});

export const putObjectTagging: Operator = operator({
  parse: parsePutTagging,
  handle: ({ name, tags }, { objects }) => objects.setTags(name, tags),
  encode: ({ versionId }): S3Reply => emptyReply(200, versionHeader(versionId)),
});

export const deleteObjectTagging: Operator = operator({
  parse: objectNameOf,
  handle: (name, { objects }) => objects.setTags(name, undefined),
  encode: ({ versionId }): S3Reply => emptyReply(204, versionHeader(versionId)),
});

export const getBucketTagging: Operator = operator({
  parse: ({ bucket }) => bucket,
  handle: async (bucket, { objects }: Ports): Promise<Tags> => {
    const content = await objects.getDocument(bucket, "tagging");
    if (content === undefined) throw s3Failure("NoSuchTagSet", { data: { BucketName: bucket } });
    return decodeBucketTags(content);
  },
  encode: (tags): S3Reply => writeTags(tags).reply(),
});

export const putBucketTagging: Operator = operator({
  parse: async (input, ports) => ({ bucket: input.bucket, tags: checkBucketTags(await readTags(input, ports)) }),
  handle: ({ bucket, tags }, { objects }) => objects.putDocument(bucket, "tagging", encodeBucketTags(tags)),
  encode: () => emptyReply(204),
});

export const deleteBucketTagging: Operator = operator({
  parse: ({ bucket }) => bucket,
  handle: (bucket, { objects }) => objects.deleteDocument(bucket, "tagging"),
  encode: () => emptyReply(204),
});

/** Of a `<Tagging>` document, or of a form's field with one. */
export function tagsOf(root: XmlElement): Tags {
  const set = root.optional("TagSet");
  if (set === undefined) throw s3Failure("MalformedXML");
  const tags = new Map<string, string>();
  for (const tag of set.expect("TagSet", ["Tag"]).all("Tag")) {
    tag.expect("Tag", ["Key", "Value"]);
    const key = textOf(tag, "Key");
    const value = textOf(tag, "Value");
    if (key === undefined || value === undefined) throw s3Failure("MalformedXML");
    addTag(tags, key, value);
  }
  return tags;
}

/**
 * A policy may look at the tags in the body: only then is it read before the caller is known to be allowed anything.
 */
async function parsePutTagging(input: S3Request, ports: Ports): Promise<{ name: ObjectName; tags: Tags }> {
  const { permissions } = ports;
  const name = objectNameOf(input);
  const need: Need = {
    ...name,
    action: name.versionId === undefined ? "s3:PutObjectTagging" : "s3:PutObjectVersionTagging",
  };
  const looks = await permissions.looksAtRequestTags(name.bucket);
  if (!looks) await permissions.require(need);
  const tags = await readTags(input, ports);
  if (looks) await permissions.require({ ...need, context: tagContext(tags) });
  return { name, tags };
}

async function readTags(input: S3Request, ports: Ports): Promise<Tags> {
  return tagsOf(
    await readDocument(input, ports, { root: "Tagging", children: ["TagSet"], bytesMax: TAGGING_BYTES_MAX }),
  );
}

function checkBucketTags(tags: Tags): Tags {
  if (tags.size > BUCKET_TAGS_MAX) {
    throw s3Failure("InvalidTag", { what: `Bucket tag count cannot be greater than ${BUCKET_TAGS_MAX}` });
  }
  for (const [key, value] of tags) {
    if ([...key].length > TAG_KEY_CHARACTERS_MAX || key.startsWith("aws:")) {
      throw s3Failure("InvalidTag", { what: "The TagKey you have provided is invalid", data: { TagKey: key } });
    }
    if ([...value].length > TAG_VALUE_CHARACTERS_MAX) {
      throw s3Failure("InvalidTag", { what: "The TagValue you have provided is invalid", data: { TagKey: key } });
    }
  }
  return tags;
}

function writeTags(tags: Tags): XmlReply {
  const xml = new XmlReply("Tagging");
  xml.open("TagSet");
  for (const [key, value] of [...tags].sort(byKey)) xml.open("Tag").text("Key", key).text("Value", value).close();
  return xml.close();
}

function byKey([left]: readonly [string, string], [right]: readonly [string, string]): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function objectNameOf(input: S3Request): ObjectName {
  return { bucket: input.bucket, key: input.key, versionId: versionIdOf(input) };
}

function versionHeader(versionId: string | undefined): string[] {
  return versionId === undefined ? [] : ["x-amz-version-id", versionId];
}
