import { S3_OPTIONS } from "../options.ts";
import { FEATURES, type Feature, type Level, OPERATIONS, type Operation, statusOf } from "./index.ts";

const LEVELS: Readonly<Record<Level, string>> = {
  service: "Operations on the service",
  bucket: "Operations on a bucket",
  object: "Operations on an object",
};

/** What a peer's suite says about this gateway, as interop/peers-suite has recorded it. */
export interface PeersSuite {
  readonly suite: string;
  readonly url: string;
  readonly commit: string;
  readonly counts: { readonly passed: number; readonly failed: number; readonly skipped: number };
  readonly leftOut: readonly { readonly markers: readonly string[]; readonly why: string }[];
  readonly failures: readonly {
    readonly cases: number;
    readonly kind: string;
    readonly why: string;
    /** Of AWS's documentation. */
    readonly page: string | undefined;
  }[];
}

/** docs/protocols/s3.md, as scripts/s3-table.ts writes it. */
export function s3Manual(peers: PeersSuite): string {
  const counts = Map.groupBy(OPERATIONS, statusOf);
  const count = (status: "served" | "partly" | "not built"): number => counts.get(status)?.length ?? 0;
  return [
    "# S3",
    "",
    "What the S3 gateway serves of Amazon S3's API. This page is generated from the gateway's own table of operations",
    "(`src/gateway/s3/operations/`) and the record of a peer's suite by `node scripts/s3-table.ts`; a test holds it to that.",
    "",
    `Served: ${count("served")} operations, ${count("partly")} in part. Not built: ${count("not built")}. What is not built answers`,
    "`501 NotImplemented`, and so does a request with a header of such a feature: nothing is silently ignored.",
    "",
    ...Object.keys(LEVELS).flatMap((level) => levelTable(level as Level)),
    "## What is not built",
    "",
    "| feature | |",
    "| --- | --- |",
    ...Object.entries(FEATURES).map(([feature, text]) => `| ${feature} | ${text} |`),
    "",
    ...RULES,
    ...peersSection(peers),
    "## Options",
    "",
    "| option | default | |",
    "| --- | --- | --- |",
    ...Object.entries(S3_OPTIONS).map(([name, entry]) => `| \`${name}\` | ${defaultOf(entry)} | ${entry.text} |`),
    "",
  ].join("\n");
}

function levelTable(level: Level): string[] {
  const operations = OPERATIONS.filter((operation) => operation.level === level);
  return [
    `## ${LEVELS[level]}`,
    "",
    "| operation | request | IAM action | status | notes |",
    "| --- | --- | --- | --- | --- |",
    ...operations.map(operationRow),
    "",
  ];
}

function operationRow(operation: Operation): string {
  const { name, action, versionAction } = operation;
  const actions = [action, versionAction].filter((text) => text !== undefined).map((text) => `\`${text}\``);
  const cells = [name, requestOf(operation), actions.join(", "), statusOf(operation), notesOf(operation)];
  return `| ${cells.join(" | ")} |`;
}

const PATHS: Readonly<Record<Level, string>> = { service: "/", bucket: "/bucket", object: "/bucket/key" };

function requestOf({ method, level, query = [], header, elsewhere }: Operation): string {
  if (elsewhere) return "on a host of its own";
  const line = `\`${method} ${PATHS[level]}${query.length > 0 ? `?${query.join("&")}` : ""}\``;
  return header === undefined ? line : `${line} with \`${header}\``;
}

function notesOf({ notBuilt, partly, note }: Operation): string {
  const feature: Feature | undefined = notBuilt;
  return [feature === undefined ? undefined : FEATURES[feature], partly, note]
    .filter((text) => text !== undefined)
    .join(" ");
}

function peersSection({ suite, url, commit, counts, leftOut, failures }: PeersSuite): string[] {
  const { passed, failed, skipped } = counts;
  const cases = passed + failed + skipped;
  return [
    `## The suite ${suite}`,
    "",
    `[${suite}](${url}) tests Ceph's gateway, and by it S3. At its commit \`${commit.slice(0, 12)}\` **${passed} of ${cases} cases pass**,`,
    `${failed} fail and ${skipped} skip themselves. Every case's name is in \`interop/peers-suite/ceph-s3-tests.json\`.`,
    "`npm run test:peers-suite -- --suite DIR --python BIN` (a checkout of the suite, and a Python with its requirements)",
    "starts a server and runs the suite again; it fails if a case that passed does not pass any more.",
    "",
    "Cases with these markers are left out:",
    "",
    ...leftOut.map(({ markers, why }) => `- ${markers.map((marker) => `\`${marker}\``).join(", ")}: ${why}`),
    "",
    "Why cases fail:",
    "",
    "| cases | | why |",
    "| --- | --- | --- |",
    ...failures.map((failure) => {
      const page = failure.page === undefined ? "" : ` ([AWS](${failure.page}))`;
      return `| ${failure.cases} | ${failure.kind} | ${failure.why}${page} |`;
    }),
    "",
  ];
}

function defaultOf(entry: (typeof S3_OPTIONS)[keyof typeof S3_OPTIONS]): string {
  if (!("default" in entry)) return "none";
  const value = entry.default;
  return typeof value === "object" ? "none" : `\`${value}\``;
}

const RULES: readonly string[] = [
  "## Rules worth knowing",
  "",
  "- **Addressing.** Path-style always; virtual-hosted style under each `domains` entry. Any region may be signed for.",
  "  The signature is checked against the Host that the client sent; `X-Forwarded-*` counts from `trustedProxies` only.",
  "- **Signatures.** Version 4 in the header, in a link and in a form, with every HMAC payload mode (signed and unsigned",
  "  chunks, with and without trailers). `allowV2` lets Version 2 in. Version 4A (ECDSA) is refused. `x-amz-*` parameters",
  "  of a signed query count as headers.",
  "- **Keys** are what undoing the escapes gives, once: `a//b`, `..`, `a/` and `a` beside `a/b` are plain keys. Invalid",
  "  UTF-8 is refused.",
  "- **Bodies** need a length (Content-Length or x-amz-decoded-content-length). Nothing is read of a body, and",
  "  `100 Continue` is not sent, before the caller is known and allowed. Content-MD5, the signed SHA-256, and checksums",
  "  in headers or trailers are all verified before anything becomes visible.",
  "- **Checksums**: CRC32, CRC32C, CRC64NVME, SHA1, SHA256; of full objects and composite. A link that was signed without",
  "  a body may carry the checksum of no bytes; it is ignored.",
  "- **Ranges**: one. A request for several gets the whole object.",
  "- **Conditions** on writes, copies, completed uploads and deletes are decided atomically with the write.",
  "- **Long work.** A copy or a completion that takes more than 5 seconds answers `200` then, sends white space every 5",
  "  seconds, and ends with its document: an `<Error>` too, as in S3. A version id can not be in its headers any more.",
  "- **Listing** is in the order of UTF-8 bytes. With `encoding-type=url` a space is `%20`.",
  "- **Metadata** that is not ASCII goes in and out as UTF-8; what no header can hold goes out as an encoded word",
  "  (RFC 2047).",
  "- **Missing keys** are AccessDenied for callers that may not list the bucket.",
  "- **Owners.** There is one account; the owner of a bucket is the user that made it. Ownership decides nothing,",
  "  policies do.",
  "- **ACLs** `private` and `bucket-owner-full-control` are accepted and mean nothing; others are refused.",
  "- **Storage classes** other than archives are kept as labels.",
  "- **Limits**: 5 GiB a PUT or part, 10,000 parts, 50 TiB an object, keys of 1,024 bytes, 2 KiB of user metadata, 10",
  "  tags an object and 50 a bucket, 1,000 keys in a listing or a DeleteObjects, 100 CORS rules, 20 KiB a policy.",
  "",
];
