import type { Tags } from "../../service/objects/index.ts";
import { text, utf8 } from "../../std/bytes.ts";

/** A bucket's tags as they are kept: JSON, an object of texts. */
export function encodeBucketTags(tags: Tags): Uint8Array {
  return utf8(JSON.stringify(Object.fromEntries(tags)));
}

export function decodeBucketTags(content: Uint8Array): Tags {
  return new Map(Object.entries(JSON.parse(text(content)) as Record<string, string>));
}
