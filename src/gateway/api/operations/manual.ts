import { API_ERRORS } from "../errors.ts";
import { expand } from "../expand.ts";
import { parametersOf } from "../input.ts";
import { accessText } from "../openapi.ts";
import type { OperationEntry } from "../operation.ts";
import type { Schema } from "../schema.ts";
import { OPERATION_GROUPS } from "./index.ts";

const INTRODUCTION = `# HTTP API

What the console and the command line call, under \`/v1\` of the API's address (\`--api-listen\`). This page is generated from the
operations' table (\`src/gateway/api/operations/\`) by \`node scripts/api-table.ts\`; a test holds it to that. \`/openapi.json\` has all of
it with its schemas, as OpenAPI 3.1.

## Credentials

- **Signature Version 4** with the service \`ashlar\`, in the Authorization header. The SHA-256 of a JSON body is part of the signature;
  a body of bytes may be \`UNSIGNED-PAYLOAD\`.
- **A session**, which \`POST /v1/session\` opens for the holder of an access key: a cookie (HttpOnly, SameSite=Strict). What it changes
  has to come from the console's own origin (\`Origin\`, or \`Sec-Fetch-Site: same-origin\`).

The same policies rule here as over S3: operations on data ask for the S3 action, with the same condition keys, the others for an
\`ashlar:\` action. Without a credential nothing answers but the console's files, \`/healthz\`, \`/readyz\` and the login.

## Forms

Bodies and answers are JSON in UTF-8 (\`Content-Type: application/json\`, at most 1 MiB, for \`commitRows\` 2.25) unless a row says bytes.
Instants are RFC 3339 text, lengths are bytes, durations are milliseconds. An object's key is the query's parameter \`key\`, for every
text is a key and paths are rewritten on their way. Keys and values under \`/v1/kv\` ([guide](../kv.md)) are byte strings: text, or
\`{"base64": "..."}\` for any bytes; in a query their bytes, escaped.

What is not known in a query or a body is refused, with the nearest name that is. A failure is

\`\`\`
{"error": {"code": "BUCKET_MISSING", "message": "There is no bucket photos.", "advice": "...", "requestId": "...", "data": {}}}
\`\`\`

with the codes of the services below and those of the API itself at the end of this page.
`;

const PAGES = `## Beside the API

| path | |
| --- | --- |
| \`/\` | leads to \`/app/\` |
| \`/app/\` | the console, with a strict Content-Security-Policy |
| \`/healthz\` | \`ok\` while the process lives; needs no credential |
| \`/readyz\` | 200 while writes are taken, else 503 with the reasons; needs no credential |
| \`/metrics\` | Prometheus' text format; needs \`ashlar:GetMetrics\`, by HTTP Basic too, or the option \`--metrics-public\` |
| \`/openapi.json\` | the API's description; needs a credential |
`;

/** docs/protocols/api.md, as scripts/api-table.ts writes it. */
export function apiManual(): string {
  const groups = OPERATION_GROUPS.flatMap(({ title, operations }) => [
    `## ${title}`,
    "",
    "| operation | request | takes | needs | |",
    "| --- | --- | --- | --- | --- |",
    ...operations.map(row),
    "",
  ]);
  const codes = Object.entries(API_ERRORS).map(([code, { what, advice }]) => `| \`${code}\` | ${what} | ${advice} |`);
  const errors = ["## Errors of the API itself", "", "| code | what | advice |", "| --- | --- | --- |", ...codes, ""];
  return [INTRODUCTION, ...groups, PAGES, ...errors].join("\n");
}

function row(entry: OperationEntry): string {
  const { name, method, path, access, summary, notes = [] } = entry;
  const needs = accessText(access)
    .replace(/^Needs /, "")
    .replace(/\.$/, "");
  const text = [`${summary}.`, ...notes].join(" ");
  return `| ${[name, `\`${method} ${path}\``, taken(entry), needs, text].join(" | ")} |`;
}

/** Names of parameters, a question mark behind those that may be left out. */
function taken({ query, body }: OperationEntry): string {
  const { properties, optional = [] } = parametersOf(query);
  const parameters = Object.keys(properties).map((name) => shown(name, optional));
  if (body === "stream") parameters.push("bytes");
  else if (body !== undefined) parameters.push(`{ ${namesIn(body).join(", ")} }`);
  return parameters.join(", ");
}

function namesIn(schema: Schema): string[] {
  const full = expand(schema);
  if (full.type !== "object") return [];
  return Object.keys(full.properties).map((name) => shown(name, full.optional ?? []));
}

function shown(name: string, optional: readonly string[]): string {
  return optional.includes(name) ? `${name}?` : name;
}
