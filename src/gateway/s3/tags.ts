import type { Tags } from "../../service/objects/index.ts";
import { s3Failure } from "./errors.ts";
import { Query } from "./query.ts";

/** `x-amz-tagging: key=value&other=value`, escaped as a query. How many there may be is the service's business. */
export function parseTagging(text: string): Tags {
  const tags = new Map<string, string>();
  for (const part of text.split("&")) {
    if (part === "") continue;
    const [[name, value]] = [...new Query(part).entries()] as [[string, string]];
    addTag(tags, name, value);
  }
  return tags;
}

export function addTag(tags: Map<string, string>, name: string, value: string): void {
  if (tags.has(name)) {
    throw s3Failure("InvalidTag", { what: "Cannot provide multiple Tags with the same key", data: { TagKey: name } });
  }
  if (name === "")
    throw s3Failure("InvalidTag", { what: "The TagKey you have provided is invalid", data: { TagKey: name } });
  tags.set(name, value);
}
