import { objectFailure } from "./errors.ts";
import type { Conditions, DeleteRequest } from "./objects.ts";

interface Existing {
  readonly etag: string;
  readonly lastModifiedMillis: number;
  readonly versionId: string | undefined;
}

/** RFC 9110, section 13.2.2, for a read of an object that exists. A failed If-None-Match or If-Modified-Since is NOT_MODIFIED. */
export function checkReadConditions(conditions: Conditions | undefined, existing: Existing): void {
  if (conditions === undefined) return;
  const { ifMatch, ifNoneMatch, ifModifiedSinceMillis, ifUnmodifiedSinceMillis } = conditions;
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, existing.etag))
      throw objectFailure("PRECONDITION_FAILED", { data: { condition: "If-Match" } });
  } else if (
    ifUnmodifiedSinceMillis !== undefined &&
    seconds(existing.lastModifiedMillis) > seconds(ifUnmodifiedSinceMillis)
  ) {
    throw objectFailure("PRECONDITION_FAILED", { data: { condition: "If-Unmodified-Since" } });
  }
  if (ifNoneMatch !== undefined) {
    if (matches(ifNoneMatch, existing.etag)) throw notModified(existing);
  } else if (
    ifModifiedSinceMillis !== undefined &&
    seconds(existing.lastModifiedMillis) <= seconds(ifModifiedSinceMillis)
  ) {
    throw notModified(existing);
  }
}

/** With what an answer without the object still tells of it. */
function notModified({ etag, lastModifiedMillis, versionId }: Existing): Error {
  return objectFailure("NOT_MODIFIED", { data: { etag, lastModifiedMillis, versionId } });
}

/** For a copy's source: the same, but what does not hold is always PRECONDITION_FAILED. */
export function checkSourceConditions(conditions: Conditions | undefined, existing: Existing): void {
  try {
    checkReadConditions(conditions, existing);
  } catch (cause) {
    throw objectFailure("PRECONDITION_FAILED", { cause });
  }
}

/** For a write: `existing` is the current object, undefined where there is none or a delete marker. */
export function checkWriteConditions(conditions: Conditions | undefined, existing: Existing | undefined): void {
  if (conditions === undefined) return;
  const { ifMatch, ifNoneMatch, ifUnmodifiedSinceMillis } = conditions;
  if (ifMatch !== undefined) {
    if (existing === undefined) throw objectFailure("OBJECT_MISSING", { data: { condition: "If-Match" } });
    if (!matches(ifMatch, existing.etag))
      throw objectFailure("PRECONDITION_FAILED", { data: { condition: "If-Match" } });
  }
  if (ifNoneMatch !== undefined && existing !== undefined && matches(ifNoneMatch, existing.etag)) {
    throw objectFailure("PRECONDITION_FAILED", { data: { condition: "If-None-Match" } });
  }
  if (ifUnmodifiedSinceMillis !== undefined && existing !== undefined) {
    if (seconds(existing.lastModifiedMillis) > seconds(ifUnmodifiedSinceMillis)) {
      throw objectFailure("PRECONDITION_FAILED", { data: { condition: "If-Unmodified-Since" } });
    }
  }
}

/** For a delete; size and time are compared exactly (time by the second). What is not there may be deleted under any condition. */
export function checkDeleteConditions(
  conditions: DeleteRequest["conditions"],
  existing: (Existing & { readonly size: number }) | undefined,
): void {
  if (conditions === undefined || existing === undefined) return;
  const { ifMatchSize, ifMatchLastModifiedMillis } = conditions;
  checkWriteConditions(conditions, existing);
  const sizeHolds = ifMatchSize === undefined || existing.size === ifMatchSize;
  const timeHolds =
    ifMatchLastModifiedMillis === undefined ||
    seconds(existing.lastModifiedMillis) === seconds(ifMatchLastModifiedMillis);
  if (!(sizeHolds && timeHolds)) throw objectFailure("PRECONDITION_FAILED", { data: { condition: "x-amz-if-match" } });
}

function matches(etags: readonly string[], etag: string): boolean {
  return etags.includes("*") || etags.includes(etag);
}

/** HTTP dates have whole seconds. */
function seconds(millis: number): number {
  return Math.floor(millis / 1000);
}
