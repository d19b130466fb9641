// What a page of a listing shows: folders first as S3 sees them (what keys share up to the next "/"), then objects, or versions.

import type { ObjectPage, VersionPage } from "../api/shapes.ts";

export type Row = FolderRow | ObjectRow;

export interface FolderRow {
  readonly kind: "folder";
  readonly id: string;
  readonly prefix: string;
  /** Behind the prefix that is shown. */
  readonly name: string;
}

export interface ObjectRow {
  readonly kind: "object";
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly modifiedAt: string;
  /** Of a listing of versions. */
  readonly version?: { readonly id: string; readonly isLatest: boolean; readonly deleteMarker: boolean };
}

export interface Listing {
  readonly rows: readonly Row[];
  readonly next?: { readonly after: string; readonly afterVersion?: string | undefined } | undefined;
}

export const DELIMITER = "/";

export function listingOf(page: ObjectPage, prefix: string): Listing {
  const objects = page.items.map(
    ({ key, sizeBytes, modifiedAt }): ObjectRow => ({
      ...{ kind: "object", id: key, key, name: nameBehind(prefix, key), sizeBytes, modifiedAt },
    }),
  );
  const next = page.next === undefined ? undefined : { after: page.next };
  return { rows: [...foldersOf(page.commonPrefixes, prefix), ...objects], next };
}

export function versionListingOf(page: VersionPage, prefix: string): Listing {
  const versions = page.items.map(({ key, sizeBytes, modifiedAt, versionId, isLatest, deleteMarker }): ObjectRow => {
    const version = { id: versionId, isLatest, deleteMarker };
    return {
      kind: "object",
      id: `${versionId} ${key}`,
      key,
      name: nameBehind(prefix, key),
      sizeBytes,
      modifiedAt,
      version,
    };
  });
  const { nextKey, nextVersionId } = page;
  const next = nextKey === undefined ? undefined : { after: nextKey, afterVersion: nextVersionId };
  return { rows: [...foldersOf(page.commonPrefixes, prefix), ...versions], next };
}

export interface Crumb {
  readonly name: string;
  /** What to list; undefined for the last one, which is shown already. */
  readonly prefix: string | undefined;
}

/** The way to a prefix: the bucket, then every part of it. Empty parts (`a//b`) are parts too, and are named. */
export function breadcrumb(bucket: string, prefix: string): readonly Crumb[] {
  const crumbs: Crumb[] = [{ name: bucket, prefix: "" }];
  for (let at = 0; at < prefix.length; ) {
    const end = prefix.indexOf(DELIMITER, at);
    const until = end < 0 ? prefix.length : end + 1;
    crumbs.push({ name: visibleName(prefix.slice(at, until)), prefix: prefix.slice(0, until) });
    at = until;
  }
  return crumbs.map((crumb, at) => (at === crumbs.length - 1 ? { ...crumb, prefix: undefined } : crumb));
}

/** The prefix under which a key is listed as an object. */
export function folderOf(key: string): string {
  return key.slice(0, key.lastIndexOf(DELIMITER) + 1);
}

export function nameBehind(prefix: string, key: string): string {
  return visibleName(key.slice(prefix.length));
}

/** Names that would show as nothing are shown as what they are. */
function visibleName(name: string): string {
  if (name === "") return "(this prefix itself)";
  return name.trim() === name ? name : JSON.stringify(name);
}

function foldersOf(prefixes: readonly string[], prefix: string): FolderRow[] {
  return prefixes.map((each) => ({
    kind: "folder",
    id: `folder ${each}`,
    prefix: each,
    name: nameBehind(prefix, each),
  }));
}
