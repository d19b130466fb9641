import {
  checkPostPolicy,
  expandFileName,
  type PostForm,
  type PostPolicy,
  parsePostPolicy,
  readPostForm,
  withinRange,
} from "../../codec/multipart-form/index.ts";
import { decodePolicy, parseFormAuthorization, verifyFormSignature } from "../../codec/sigv4/index.ts";
import type { ObjectMetadata, PutResult, Tags } from "../../service/objects/index.ts";
import { utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { RequestHeaders } from "../http/index.ts";
import { anonymousCaller, type Caller, credentialOf, ownerOf, SERVICES } from "./authenticate.ts";
import { announcedChecksum, pushChecksum } from "./checksums.ts";
import { invalidArgument, s3Failure } from "./errors.ts";
import { storeForm } from "./form-storage.ts";
import { locationOf } from "./location.ts";
import { metadataOf, pushNewVersion, userMetadata } from "./metadata.ts";
import { tagContext } from "./needs.ts";
import { emptyReply, type Operator, operator, type Ports } from "./operator.ts";
import { checkCannedAcl, refuseUnbuiltHeaders } from "./refused-headers.ts";
import type { S3Reply, S3Request } from "./request.ts";
import { tagsOf } from "./tagging.ts";
import { readXml, XmlReply } from "./xml.ts";

/**
 * A browser's upload: a form whose fields say where the file goes, and whose signature covers a policy about the
 * fields.
 */
export interface FormUpload {
  readonly bucket: string;
  readonly key: string;
  readonly owner: string;
  readonly file: PostForm["file"]["body"];
  readonly metadata: ObjectMetadata;
  readonly tags: Tags | undefined;
  readonly checksum: ReturnType<typeof announcedChecksum>;
  readonly fields: ReadonlyMap<string, string>;
}

export const postObject: Operator = operator({ parse: parseForm, handle: storeForm, encode: encodeForm });

async function parseForm(input: S3Request, ports: Ports): Promise<FormUpload> {
  const { call, bucket } = input;
  const form = await readPostForm(call.body, input.headers.get("content-type"));
  const key = keyOf(form);
  const fields = new Map(form.fields).set("key", key);
  const { caller, policy } = await formCaller(form, ports);
  call.principal = caller.anonymous ? undefined : caller.owner;
  if (policy !== undefined) checkPolicy(policy, fields, bucket, ports);
  refuseFields(fields);
  const tagging = fields.get("tagging");
  const tags = tagging === undefined ? undefined : tagsOf(readXml(utf8(tagging), "Tagging", ["TagSet"]));
  await permitForm({ ...input, key, caller }, tags, ports);
  const headers = headersOf(fields);
  return {
    bucket,
    key,
    owner: caller.owner,
    file: policy?.contentLength === undefined ? form.file.body : withinRange(form.file.body, policy.contentLength),
    metadata: metadataOf((name) => fields.get(name), userMetadata(fields)),
    tags,
    checksum: announcedChecksum(headers, () => false),
    fields,
  };
}

function keyOf({ fields, file }: PostForm): string {
  const key = fields.get("key");
  if (key !== undefined && key !== "") return expandFileName(key, file.fileName);
  throw invalidArgument(
    "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.",
    "key",
    "",
  );
}

interface ProvenForm {
  readonly caller: Caller;
  readonly policy: PostPolicy | undefined;
}

/** The form alone says who sends it: a browser can add no header. */
async function formCaller({ fields }: PostForm, { access, signing, options }: Ports): Promise<ProvenForm> {
  const authorization = parseFormAuthorization(fields, { services: SERVICES, legacyV2: options.allowV2 });
  const nobody = anonymousCaller({ kind: "undeclared" });
  if (authorization.kind === "anonymous") return { caller: nobody, policy: undefined };
  const { accessKey, sessionToken } = authorization;
  const { secret, principal } = await credentialOf(access, accessKey, sessionToken);
  verifyFormSignature(signing.keys, authorization, secret, signing.hmacSha1);
  const isV4 = authorization.kind === "v4";
  const caller: Caller = {
    ...nobody,
    principal,
    anonymous: false,
    owner: ownerOf(principal),
    authType: "POST",
    signatureVersion: isV4 ? "AWS4-HMAC-SHA256" : "AWS",
    region: isV4 ? authorization.scope.region : undefined,
  };
  return { caller, policy: readPolicy(authorization.policy) };
}

function readPolicy(encoded: string): PostPolicy {
  const document = decodePolicy(encoded);
  if (document === undefined) throw s3Failure("InvalidPolicyDocument", { what: "The policy is not base64." });
  try {
    return parsePostPolicy(document);
  } catch (error) {
    // The access service has a code of that name too, for policies of another kind.
    if (!hasCode(error, "POLICY_MALFORMED")) throw error;
    throw s3Failure("InvalidPolicyDocument", { what: error.message, cause: error });
  }
}

function checkPolicy(policy: PostPolicy, fields: ReadonlyMap<string, string>, bucket: string, ports: Ports): void {
  checkPostPolicy(policy, { fields, bucket, now: ports.clock.now() });
  // Else a form that was made for one bucket could be sent to every other that its maker may write to.
  if (policy.conditions.some(({ field }) => field === "bucket")) return;
  throw s3Failure("AccessDenied", { what: "Invalid according to Policy: no condition names the bucket." });
}

function headersOf(fields: ReadonlyMap<string, string>): RequestHeaders {
  return new RequestHeaders([...fields].flat());
}

function refuseFields(fields: ReadonlyMap<string, string>): void {
  refuseUnbuiltHeaders(headersOf(fields));
  const acl = fields.get("acl");
  if (acl !== undefined) checkCannedAcl(acl);
}

async function permitForm(input: S3Request, tags: Tags | undefined, ports: Ports): Promise<void> {
  const { bucket, key } = input;
  const permissions = ports.permissionsOf(input);
  const context = tags === undefined ? {} : tagContext(tags);
  await permissions.require({ action: "s3:PutObject", bucket, key, context });
  if (tags !== undefined) await permissions.require({ action: "s3:PutObjectTagging", bucket, key, context });
}

function encodeForm(result: PutResult, { fields, bucket, key }: FormUpload, input: S3Request, ports: Ports): S3Reply {
  const location = locationOf(input, ports.options, key);
  const headers: string[] = ["ETag", `"${result.etag}"`, "Location", location];
  pushNewVersion(headers, result.versionId);
  pushChecksum(headers, result.checksum);
  const redirect = redirectOf(fields);
  if (redirect !== undefined) {
    const separator = redirect.includes("?") ? "&" : "?";
    const query = `bucket=${encodeURIComponent(bucket)}&key=${encodeURIComponent(key.toWellFormed())}`;
    headers[3] = `${redirect}${separator}${query}&etag=%22${result.etag}%22`;
    headers.push("Content-Length", "0");
    return { status: 303, headers };
  }
  const status = fields.get("success_action_status");
  if (status === "200") return emptyReply(200, headers);
  if (status !== "201") return emptyReply(204, headers);
  const xml = new XmlReply("PostResponse");
  xml.text("Location", location).text("Bucket", bucket).text("Key", key).etag(result.etag);
  return { ...xml.reply(headers), status: 201 };
}

/** Where the browser goes afterwards. What is no URL of the web is ignored, as S3 does. */
function redirectOf(fields: ReadonlyMap<string, string>): string | undefined {
  const text = fields.get("success_action_redirect") ?? fields.get("redirect");
  if (text === undefined || !/^https?:\/\/[\x21-\x7e]+$/i.test(text) || !URL.canParse(text)) return undefined;
  return text;
}
