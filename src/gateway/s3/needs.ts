import type { Clock } from "../../env/index.ts";
import type { RequestContext, S3Action } from "../../service/access/index.ts";
import { copySourceOf } from "./copy-source.ts";
import type { Need } from "./permissions.ts";
import type { S3Request } from "./request.ts";
import { parseTagging } from "./tags.ts";

/** What a request has to be allowed before anything of it is done; the table of operations names the action. */
export function needsOf(input: S3Request): readonly Need[] {
  const { operation, bucket, key, query } = input;
  const { action, versionAction, asksItself } = operation;
  if (asksItself || action === undefined) return NO_NEEDS;
  if (operation.level === "service") return [{ action }];
  if (operation.level === "bucket") return [{ action, bucket }];
  const versionId = query.size === 0 ? undefined : query.get("versionId") || undefined;
  const needed = versionId !== undefined && versionAction !== undefined ? versionAction : action;
  const main: Need = { action: needed, bucket, key, versionId };
  const more = MORE_NEEDS[operation.name];
  return more === undefined ? tagged(main, input) : more(main, input);
}

const NO_NEEDS: readonly Need[] = [];

/** Operations that ask for more than their own action. */
const MORE_NEEDS: Readonly<Record<string, (main: Need, input: S3Request) => readonly Need[]>> = {
  GetObjectAttributes: (main) => [
    main,
    { ...main, action: main.versionId === undefined ? "s3:GetObject" : "s3:GetObjectVersion" },
  ],
  CopyObject: (main, input) => [...tagged(main, input), sourceNeed(input)],
  UploadPartCopy: (main, input) => [main, sourceNeed(input)],
};

/** A write that sets tags asks for that as well, and policies may look at them. */
function tagged(main: Need, { headers }: S3Request): readonly Need[] {
  const tagging = main.action === "s3:PutObject" ? headers.get("x-amz-tagging") : undefined;
  if (tagging === undefined || tagging === "") return [main];
  const context = tagContext(parseTagging(tagging));
  return [
    { ...main, context },
    { ...main, action: "s3:PutObjectTagging", context },
  ];
}

function sourceNeed({ headers }: S3Request): Need {
  const { bucket, key, versionId } = copySourceOf(headers.get("x-amz-copy-source") ?? "");
  const action: S3Action = versionId === undefined ? "s3:GetObject" : "s3:GetObjectVersion";
  return { action, bucket, key, versionId, ...(versionId !== undefined && { context: { "s3:VersionId": versionId } }) };
}

/** Condition keys of the tags that a request sets on an object. */
export function tagContext(tags: ReadonlyMap<string, string>): RequestContext {
  const context: Record<string, string | readonly string[]> = { "s3:RequestObjectTagKeys": [...tags.keys()] };
  for (const [name, value] of tags) context[`s3:RequestObjectTag/${name}`] = value;
  return context;
}

/** The condition keys that a request gives values to; undefined is absent. */
export function contextOf(input: S3Request, clock: Clock): RequestContext {
  const { call, caller, headers, query, operation } = input;
  const { signedAtMillis } = caller;
  const source = headers.get("x-amz-copy-source");
  const isWrite = operation.action === "s3:PutObject";
  return {
    "aws:SourceIp": call.origin.address,
    "aws:SecureTransport": call.origin.secure ? "true" : "false",
    "aws:UserAgent": headers.get("user-agent"),
    "aws:Referer": headers.get("referer"),
    "aws:RequestedRegion": caller.region,
    "s3:authType": caller.authType,
    "s3:signatureversion": caller.signatureVersion,
    "s3:signatureAge": signedAtMillis === undefined ? undefined : String(Math.max(0, clock.now() - signedAtMillis)),
    "s3:x-amz-content-sha256": caller.payload.kind === "undeclared" ? undefined : caller.payload.value,
    "s3:prefix": query.get("prefix"),
    "s3:delimiter": query.get("delimiter"),
    "s3:max-keys": query.get("max-keys"),
    "s3:VersionId": query.get("versionId"),
    "s3:if-match": isWrite || operation.name === "DeleteObject" ? headers.get("if-match") : undefined,
    "s3:if-none-match": isWrite ? headers.get("if-none-match") : undefined,
    "s3:ObjectCreationOperation": isWrite ? String(CREATING.has(operation.name)) : undefined,
    "s3:x-amz-acl": headers.get("x-amz-acl"),
    "s3:x-amz-copy-source": source === undefined ? undefined : sourcePath(source),
    "s3:x-amz-metadata-directive": headers.get("x-amz-metadata-directive"),
    "s3:x-amz-object-ownership": headers.get("x-amz-object-ownership"),
    "s3:x-amz-storage-class": headers.get("x-amz-storage-class"),
    "s3:x-amz-website-redirect-location": headers.get("x-amz-website-redirect-location"),
  };
}

/** Parts of an upload are no object yet. */
const CREATING: ReadonlySet<string> = new Set(["PutObject", "CopyObject", "CompleteMultipartUpload", "PostObject"]);

function sourcePath(source: string): string {
  const { bucket, key } = copySourceOf(source);
  return `${bucket}/${key}`;
}
