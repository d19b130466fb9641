import { hasCode } from "../../std/errors.ts";
import { listOf } from "../http/index.ts";
import { type CorsMatch, type CorsRule, encodeCors, matchCors, pushCors } from "./cors-rules.ts";
import { readDocument } from "./document.ts";
import type { DocumentCache } from "./documents.ts";
import { s3Failure } from "./errors.ts";
import { countOf } from "./listing-arguments.ts";
import { emptyReply, type Operator, operator, type Ports } from "./operator.ts";
import type { S3Reply, S3Request } from "./request.ts";
import { textOf, textsOf, type XmlElement, XmlReply } from "./xml.ts";

const CORS_BYTES_MAX = 64 * 1024;
const RULES_MAX = 100;
const ID_CHARACTERS_MAX = 255;
const RULE_ELEMENTS = ["ID", "AllowedOrigin", "AllowedMethod", "AllowedHeader", "ExposeHeader", "MaxAgeSeconds"];
const METHODS: ReadonlySet<string> = new Set(["GET", "PUT", "POST", "DELETE", "HEAD"]);

export const getBucketCors: Operator = operator({
  parse: ({ bucket }) => bucket,
  handle: async (bucket, { documents }: Ports): Promise<readonly CorsRule[]> => {
    const rules = await documents.cors(bucket);
    if (rules === undefined) throw s3Failure("NoSuchCORSConfiguration", { data: { BucketName: bucket } });
    return rules;
  },
  encode: (rules): S3Reply => {
    const xml = new XmlReply("CORSConfiguration");
    for (const rule of rules) writeRule(xml, rule);
    return xml.reply();
  },
});

export const putBucketCors: Operator = operator({
  parse: async (input: S3Request, ports: Ports) => ({ bucket: input.bucket, rules: await readRules(input, ports) }),
  handle: ({ bucket, rules }, { objects }) => objects.putDocument(bucket, "cors", encodeCors(rules)),
  encode: () => emptyReply(200),
});

export const deleteBucketCors: Operator = operator({
  parse: ({ bucket }) => bucket,
  handle: (bucket, { objects }) => objects.deleteDocument(bucket, "cors"),
  encode: () => emptyReply(204),
});

interface Preflight {
  readonly bucket: string;
  readonly origin: string;
  readonly method: string;
  readonly headers: readonly string[];
}

/** A browser asks whether it may send a request. It sends no credential, and learns only what the rules say. */
export const corsPreflight: Operator = operator({
  parse: ({ bucket, headers }: S3Request): Preflight => {
    const origin = headers.get("origin");
    const method = headers.get("access-control-request-method");
    if (origin === undefined || origin === "") {
      throw s3Failure("BadRequest", { what: "Insufficient information. Origin request header needed." });
    }
    if (method === undefined || !METHODS.has(method)) {
      throw s3Failure("BadRequest", { what: `Invalid Access-Control-Request-Method: ${method ?? "null"}` });
    }
    return { bucket, origin, method, headers: listOf(headers.get("access-control-request-headers")) };
  },
  handle: async (request, { documents }: Ports): Promise<CorsMatch> => {
    const rules = await rulesOf(documents, request.bucket);
    if (rules === undefined) {
      throw s3Failure("AccessForbidden", { what: "CORSResponse: CORS is not enabled for this bucket." });
    }
    const match = matchCors(rules, request);
    if (match !== undefined) return match;
    throw s3Failure("AccessForbidden", {
      what: "CORSResponse: This CORS request is not allowed. No CORS rule allows this origin, method and these headers.",
    });
  },
  encode: (match, { headers: requested }): S3Reply => {
    const headers: string[] = [];
    pushCors(headers, match, requested);
    return emptyReply(200, headers);
  },
});

/** Adds to any answer of a bucket what its rules say to the origin that asks. */
export async function addCors(headers: string[], documents: DocumentCache, asked: Preflight): Promise<void> {
  const rules = await rulesOf(documents, asked.bucket).catch(() => undefined);
  const match = rules && matchCors(rules, asked);
  if (match !== undefined) pushCors(headers, match, asked.headers);
}

async function rulesOf(documents: DocumentCache, bucket: string): Promise<readonly CorsRule[] | undefined> {
  try {
    return await documents.cors(bucket);
  } catch (error) {
    if (!hasCode(error, "BUCKET_MISSING")) throw error;
    throw s3Failure("AccessForbidden", { what: "CORSResponse: Bucket not found", cause: error });
  }
}

async function readRules(input: S3Request, ports: Ports): Promise<readonly CorsRule[]> {
  const root = await readDocument(input, ports, {
    root: "CORSConfiguration",
    children: ["CORSRule"],
    bytesMax: CORS_BYTES_MAX,
  });
  const nodes = root.all("CORSRule");
  if (nodes.length === 0) throw s3Failure("MalformedXML");
  if (nodes.length > RULES_MAX) {
    throw s3Failure("InvalidRequest", {
      what: `The number of CORS rules should not exceed allowed limit of ${RULES_MAX} rules.`,
    });
  }
  return nodes.map(ruleOf);
}

function ruleOf(node: XmlElement): CorsRule {
  node.expect("CORSRule", RULE_ELEMENTS);
  const id = textOf(node, "ID");
  const maxAge = textOf(node, "MaxAgeSeconds");
  const rule: CorsRule = {
    ...(id !== undefined && { id }),
    allowedOrigins: textsOf(node, "AllowedOrigin"),
    allowedMethods: textsOf(node, "AllowedMethod"),
    allowedHeaders: textsOf(node, "AllowedHeader"),
    exposeHeaders: textsOf(node, "ExposeHeader"),
    ...(maxAge !== undefined && { maxAgeSeconds: countOf(maxAge, "MaxAgeSeconds") }),
  };
  checkRule(rule);
  return rule;
}

function checkRule(rule: CorsRule): void {
  if (rule.allowedOrigins.length === 0 || rule.allowedMethods.length === 0) throw s3Failure("MalformedXML");
  if (rule.id !== undefined && rule.id.length > ID_CHARACTERS_MAX) {
    throw s3Failure("InvalidRequest", {
      what: `The ID of a CORS rule can have at most ${ID_CHARACTERS_MAX} characters.`,
    });
  }
  for (const method of rule.allowedMethods) {
    if (METHODS.has(method)) continue;
    throw s3Failure("InvalidRequest", {
      what: `Found unsupported HTTP method in CORS config. Unsupported method is ${method}`,
    });
  }
  for (const origin of rule.allowedOrigins) checkWildcards("AllowedOrigin", origin);
  for (const header of rule.allowedHeaders) checkWildcards("AllowedHeader", header);
  for (const header of rule.exposeHeaders) {
    if (!header.includes("*")) continue;
    throw s3Failure("InvalidRequest", {
      what: `ExposeHeader "${header}" contains wildcard. We currently do not support wildcard for ExposeHeader.`,
    });
  }
  for (const text of [...rule.allowedOrigins, ...rule.allowedHeaders, ...rule.exposeHeaders]) {
    // They go into headers as they are.
    if (/[^\x20-\x7e]/.test(text)) throw s3Failure("InvalidRequest", { what: "A CORS rule may hold ASCII only." });
  }
}

function checkWildcards(element: string, pattern: string): void {
  if (pattern.indexOf("*") === pattern.lastIndexOf("*")) return;
  throw s3Failure("InvalidRequest", { what: `${element} "${pattern}" can not have more than one wildcard.` });
}

function writeRule(xml: XmlReply, rule: CorsRule): void {
  xml.open("CORSRule");
  if (rule.id !== undefined) xml.text("ID", rule.id);
  for (const method of rule.allowedMethods) xml.text("AllowedMethod", method);
  for (const origin of rule.allowedOrigins) xml.text("AllowedOrigin", origin);
  for (const header of rule.allowedHeaders) xml.text("AllowedHeader", header);
  for (const header of rule.exposeHeaders) xml.text("ExposeHeader", header);
  if (rule.maxAgeSeconds !== undefined) xml.text("MaxAgeSeconds", rule.maxAgeSeconds);
  xml.close();
}
