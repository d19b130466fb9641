import assert from "node:assert/strict";
import { parseXml, type XmlElement } from "../../codec/xml/index.ts";
import type { S3Caller } from "./calls.ts";

// Whole listings, read in pages small enough that there are several of them.

export interface ListedVersion {
  readonly key: string;
  readonly id: string;
  readonly deleteMarker: boolean;
  readonly isLatest: boolean;
}

export interface ListedUpload {
  readonly key: string;
  readonly id: string;
}

export interface ListedPart {
  readonly number: number;
  readonly etag: string;
}

/** The keys of a bucket that begin with the prefix, each of them once. */
export async function listKeys(client: S3Caller, bucket: string, prefix = ""): Promise<Set<string>> {
  const keys = new Set<string>();
  const target = `/${bucket}?list-type=2&max-keys=100${argument("prefix", prefix)}`;
  for (let token = ""; ; ) {
    const page = await get(client, `${target}${argument("continuation-token", token)}`);
    for (const each of page.all("Contents")) add(keys, textOf(each, "Key"));
    if (!isTruncated(page)) return keys;
    token = textOf(page, "NextContinuationToken");
  }
}

/** The versions of each key as they are listed: the keys ascending, the versions of one together. */
export async function listVersions(client: S3Caller, bucket: string): Promise<Map<string, ListedVersion[]>> {
  const byKey = new Map<string, ListedVersion[]>();
  const ids = new Set<string>();
  let last = "";
  for (let markers = ""; ; ) {
    const page = await get(client, `/${bucket}?versions&max-keys=100${markers}`);
    for (const each of page.children) {
      if (each.name !== "Version" && each.name !== "DeleteMarker") continue;
      const key = textOf(each, "Key");
      const id = textOf(each, "VersionId");
      assert.ok(last <= key, `${key} is listed after ${last}`);
      last = key;
      add(ids, id);
      const isLatest = each.required("IsLatest").boolean();
      const versions = byKey.get(key) ?? [];
      byKey.set(key, [...versions, { key, id, deleteMarker: each.name === "DeleteMarker", isLatest }]);
    }
    if (!isTruncated(page)) return byKey;
    const keyMarker = argument("key-marker", textOf(page, "NextKeyMarker"));
    markers = `${keyMarker}${argument("version-id-marker", textOf(page, "NextVersionIdMarker"))}`;
  }
}

/** The uploads that are open, each of them once, by their ids. */
export async function listUploads(client: S3Caller, bucket: string): Promise<Map<string, ListedUpload>> {
  const uploads = new Map<string, ListedUpload>();
  for (let markers = ""; ; ) {
    const page = await get(client, `/${bucket}?uploads&max-uploads=7${markers}`);
    for (const each of page.all("Upload")) {
      const id = textOf(each, "UploadId");
      assert.ok(!uploads.has(id), `the upload ${id} is listed twice`);
      uploads.set(id, { key: textOf(each, "Key"), id });
    }
    if (!isTruncated(page)) return uploads;
    const keyMarker = argument("key-marker", textOf(page, "NextKeyMarker"));
    markers = `${keyMarker}${argument("upload-id-marker", textOf(page, "NextUploadIdMarker"))}`;
  }
}

/** The parts of one upload, ascending. */
export async function listParts(client: S3Caller, bucket: string, upload: ListedUpload): Promise<ListedPart[]> {
  const parts: ListedPart[] = [];
  for (let marker = ""; ; ) {
    const page = await get(client, `/${bucket}/${upload.key}?uploadId=${upload.id}&max-parts=1${marker}`);
    for (const each of page.all("Part")) {
      const number = each.required("PartNumber").integer(1, 10_000);
      assert.ok(number > (parts.at(-1)?.number ?? 0), `part ${number} of ${upload.id} is out of order`);
      parts.push({ number, etag: textOf(each, "ETag") });
    }
    if (!isTruncated(page)) return parts;
    marker = argument("part-number-marker", textOf(page, "NextPartNumberMarker"));
  }
}

async function get(client: S3Caller, target: string): Promise<XmlElement> {
  const answer = await client.call({ method: "GET", target });
  assert.equal(answer.status, 200, `${target}: ${new TextDecoder().decode(answer.body)}`);
  return parseXml(answer.body, { bytesMax: 10_000_000 });
}

function add(seen: Set<string>, item: string): void {
  assert.ok(!seen.has(item), `${item} is listed twice`);
  seen.add(item);
}

function isTruncated(page: XmlElement): boolean {
  return page.required("IsTruncated").boolean();
}

function textOf(element: XmlElement, name: string): string {
  return element.required(name).text();
}

function argument(name: string, value: string): string {
  return value === "" ? "" : `&${name}=${encodeURIComponent(value)}`;
}
