import type { ListPage, ObjectInfo, VersionInfo } from "../../../service/objects/index.ts";
import { AshlarError } from "../../../std/errors.ts";
import { readConditions, readRange } from "../conditional.ts";
import { type Handlers, PAGE_DEFAULT, type Services } from "../handler.ts";
import { makeLink } from "../link.ts";
import { objectHeaders, objectShape } from "../object-shape.ts";
import type { OBJECT_OPERATIONS } from "../operations/index.ts";
import { objectNeed } from "../permissions.ts";
import type { Infer } from "../schema.ts";
import { instant } from "../status/reporter.ts";
import { Uploads } from "../upload.ts";

/** Deletes that run at once for one request. */
const DELETES_AT_ONCE = 16;

export function objectHandlers(services: Services): Handlers<typeof OBJECT_OPERATIONS> {
  const { objects } = services;
  const uploads = new Uploads(objects, services.env.compute);
  return {
    async listObjects({ path: { bucket }, query: { prefix = "", delimiter = "", after = "", limit = PAGE_DEFAULT } }) {
      const page: ListPage<ObjectInfo> = await objects.list({ bucket, prefix, delimiter, after, limit });
      return { items: page.items.map(entryShape), commonPrefixes: page.commonPrefixes, next: page.next };
    },

    async listVersions({ path: { bucket }, query }) {
      const { prefix = "", delimiter = "", afterKey = "", afterVersionId, limit = PAGE_DEFAULT } = query;
      const markers = { keyMarker: afterKey, versionIdMarker: afterVersionId };
      const page = await objects.listVersions({ bucket, prefix, delimiter, ...markers, limit });
      const { commonPrefixes, nextKeyMarker: nextKey, nextVersionIdMarker: nextVersionId } = page;
      return { items: page.items.map(versionShape), commonPrefixes, nextKey, nextVersionId };
    },

    async getObject({ path: { bucket }, query: { key, versionId }, call }) {
      const conditions = readConditions(call.headers);
      const range = readRange(call.headers);
      const request = { bucket, key, versionId, ...(conditions && { conditions }), ...(range && { range }) };
      const isHead = call.exchange.method === "HEAD";
      const { info, start, end, body } = await (isHead ? objects.stat(request) : objects.get(request));
      const headers = objectHeaders(info, key);
      headers.push("Content-Length", String(end - start));
      const isPartial = range !== undefined && info.size > 0;
      if (isPartial) headers.push("Content-Range", `bytes ${start}-${end - 1}/${info.size}`);
      return { status: isPartial ? 206 : 200, headers, ...(body && { body }), bodyBytes: end - start };
    },

    async describeObject({ path: { bucket }, query: { key, versionId } }) {
      return objectShape((await objects.stat({ bucket, key, versionId })).info);
    },

    async putObject({ path: { bucket }, query: { key }, call, caller }) {
      const { etag, versionId, size, lastModifiedMillis } = await uploads.put({ bucket, key, call, caller });
      return { key, versionId, etag, sizeBytes: size, modifiedAt: instant(lastModifiedMillis) };
    },

    async deleteObject({ path: { bucket }, query: { key, versionId } }) {
      return { key, ...(await objects.delete({ bucket, key, versionId })) };
    },

    async deleteObjects({ path: { bucket }, body, permissions }) {
      type Outcome = { key: string; versionId?: string | undefined } & (
        | { deleteMarker: boolean }
        | { code: string; message: string }
      );
      const outcomes: Outcome[] = [];
      const remove = async (key: string, versionId: string | undefined): Promise<Outcome> => {
        try {
          const action = versionId === undefined ? "s3:DeleteObject" : "s3:DeleteObjectVersion";
          await permissions.require(objectNeed(action, bucket, key, versionId));
          return { key, ...(await objects.delete({ bucket, key, versionId })) };
        } catch (error) {
          if (!(error instanceof AshlarError)) throw error;
          return { key, versionId, code: error.code, message: error.message };
        }
      };
      for (let at = 0; at < body.objects.length; at += DELETES_AT_ONCE) {
        const batch = body.objects.slice(at, at + DELETES_AT_ONCE);
        outcomes.push(...(await Promise.all(batch.map(({ key, versionId }) => remove(key, versionId)))));
      }
      return {
        deleted: outcomes.flatMap((outcome) => ("code" in outcome ? [] : [outcome])),
        failed: outcomes.flatMap((outcome) => ("code" in outcome ? [outcome] : [])),
      };
    },

    async presign({ path: { bucket }, body, caller, permissions, call }) {
      const { key, versionId, method = "GET", expiresSeconds = 3600, download = false } = body;
      const readAction = versionId === undefined ? "s3:GetObject" : "s3:GetObjectVersion";
      await permissions.require(objectNeed(method === "PUT" ? "s3:PutObject" : readAction, bucket, key, versionId));
      const sessionToken = call.headers.get("x-amz-security-token");
      const order = { bucket, key, versionId, method, expiresSeconds, download, origin: call.origin };
      const url = await makeLink(services, { ...order, accessKeyId: caller.principal.accessKeyId, sessionToken });
      return { url, method, expiresAt: instant(services.env.clock.now() + expiresSeconds * 1000) };
    },
  };
}

export function entryShape(info: ObjectInfo): Infer<"ObjectEntry"> {
  const { key, versionId, size, etag, lastModifiedMillis, metadata } = info;
  const { storageClass } = metadata;
  return { key, versionId, sizeBytes: size, etag, modifiedAt: instant(lastModifiedMillis), storageClass };
}

function versionShape(info: VersionInfo): Infer<"VersionEntry"> {
  const { isLatest, deleteMarker, versionId } = info;
  return { ...entryShape(info), versionId: versionId ?? "null", isLatest, deleteMarker };
}
