import type { RequestHeaders } from "../http/index.ts";
import { invalidArgument, notImplemented, s3Failure } from "./errors.ts";
import { FEATURES, type Feature } from "./operations/index.ts";

// A header that asks for a feature that is not built is refused. To ignore it would store in the clear what was to be
// encrypted, or leave deletable what was to be locked.

const CANNED_ACLS: ReadonlySet<string> = new Set([
  ...["private", "public-read", "public-read-write", "aws-exec-read", "authenticated-read"],
  ...["bucket-owner-read", "bucket-owner-full-control", "log-delivery-write"],
]);
/** They say what is so anyway: the owner of the bucket has full control of all that is in it. */
const HARMLESS_ACLS: ReadonlySet<string> = new Set(["private", "bucket-owner-full-control"]);

const REFUSED: ReadonlyMap<string, Feature> = new Map<string, Feature>([
  ["x-amz-mfa", "mfaDelete"],
  ["x-amz-object-lock-mode", "objectLock"],
  ["x-amz-object-lock-retain-until-date", "objectLock"],
  ["x-amz-object-lock-legal-hold", "objectLock"],
  ["x-amz-bucket-object-lock-enabled", "objectLock"],
  ["x-amz-write-offset-bytes", "append"],
  ["x-amz-rename-source", "rename"],
  ["x-amz-create-session-mode", "directory"],
]);
/** Headers of REFUSED with a value that asks for nothing. */
const EMPTY_VALUES: ReadonlyMap<string, string> = new Map([
  ["x-amz-bucket-object-lock-enabled", "false"],
  ["x-amz-object-lock-legal-hold", "OFF"],
]);

const CHECKSUM = "x-amz-checksum-";
const CHECKSUM_HEADERS: ReadonlySet<string> = new Set([
  ...["algorithm", "type", "mode", "crc32", "crc32c", "crc64nvme", "sha1", "sha256"].map((name) => CHECKSUM + name),
]);
const ENCRYPTION = "x-amz-server-side-encryption";
const SOURCE_ENCRYPTION = "x-amz-copy-source-server-side-encryption";

/** Fails with NotImplemented, AccessControlListNotSupported or InvalidArgument. One pass over the headers. */
export function refuseUnbuiltHeaders(headers: RequestHeaders): void {
  for (const [name, value] of headers.entries()) {
    if (!name.startsWith("x-amz-")) continue;
    if (name.startsWith(ENCRYPTION) || name.startsWith(SOURCE_ENCRYPTION)) throw unbuilt("encryption", name);
    if (name === "x-amz-acl") checkCannedAcl(value);
    else if (name.startsWith("x-amz-grant-")) throw aclNotSupported();
    else if (name === "x-amz-object-ownership") checkOwnership(value);
    else if (name.startsWith(CHECKSUM)) checkChecksumHeader(name);
    else {
      const feature = REFUSED.get(name);
      if (feature !== undefined && EMPTY_VALUES.get(name)?.toLowerCase() !== value.toLowerCase())
        throw unbuilt(feature, name);
    }
  }
}

export function checkCannedAcl(acl: string): void {
  if (HARMLESS_ACLS.has(acl)) return;
  if (CANNED_ACLS.has(acl)) throw aclNotSupported();
  throw invalidArgument("The canned ACL is not known.", "x-amz-acl", acl);
}

export function aclNotSupported(): Error {
  return s3Failure("AccessControlListNotSupported", { what: FEATURES.acl.replaceAll("`", "'") });
}

function checkOwnership(value: string): void {
  if (value === "BucketOwnerEnforced") return;
  if (value !== "BucketOwnerPreferred" && value !== "ObjectWriter") {
    throw invalidArgument("Invalid x-amz-object-ownership header", "x-amz-object-ownership", value);
  }
  throw unbuilt("ownershipControls", "x-amz-object-ownership");
}

function checkChecksumHeader(name: string): void {
  if (CHECKSUM_HEADERS.has(name)) return;
  throw notImplemented("The checksum algorithm is not one of CRC32, CRC32C, CRC64NVME, SHA1 and SHA256.", {
    Header: name,
  });
}

function unbuilt(feature: Feature, header: string): Error {
  return notImplemented(FEATURES[feature].replaceAll("`", "'"), { Header: header });
}
