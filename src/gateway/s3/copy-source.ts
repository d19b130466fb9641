import type { ObjectName } from "../../service/objects/index.ts";
import { invalidArgument } from "./errors.ts";
import { Query, unescapeText } from "./query.ts";

/** `x-amz-copy-source: [/]bucket/key[?versionId=id]`, bucket and key escaped (clients differ in what they escape). */
export function copySourceOf(text: string): ObjectName {
  // A bare "?" may be part of a key that was not escaped.
  const mark = text.lastIndexOf("?versionId=");
  const path = mark === -1 ? text : text.slice(0, mark);
  const versionId = mark === -1 ? undefined : new Query(text.slice(mark + 1)).get("versionId");
  const plain = unescapeText(path, false);
  const from = plain.startsWith("/") ? 1 : 0;
  const slash = plain.indexOf("/", from);
  const bucket = slash === -1 ? "" : plain.slice(from, slash);
  const key = plain.slice(slash + 1);
  if (bucket === "" || key === "" || bucket.startsWith("arn:")) {
    throw invalidArgument(
      "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
      "x-amz-copy-source",
      text,
    );
  }
  return { bucket, key, versionId: versionId === "" ? undefined : versionId };
}
