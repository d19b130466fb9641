import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type AuthorizationOptions, parseAuthorization, type RequestHead } from "./index.ts";

const options: AuthorizationOptions = { services: ["s3"], legacyV2: true, payloadHashRequired: true };
const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const credential = "AK/20260101/eu-west-7/s3/aws4_request";

function get(target: string, ...rawHeaders: string[]): RequestHead {
  return { method: "GET", target, rawHeaders };
}

function signed(authorization: string, ...more: string[]): RequestHead {
  const date = ["X-Amz-Date", "20260101T000000Z", "x-amz-content-sha256", EMPTY];
  return get("/b/k", "Host", "h", ...date, "Authorization", authorization, ...more);
}

function code(
  request: RequestHead,
  expected: string,
  message?: RegExp,
  changed: Partial<AuthorizationOptions> = {},
): void {
  assert.throws(
    () => parseAuthorization(request, { ...options, ...changed }),
    (error: Error & { code?: string }) => {
      assert.equal(error.code, expected);
      if (message !== undefined) assert.match(error.message, message);
      return true;
    },
  );
}

describe("the header form", () => {
  const fields = `Credential=${credential}, SignedHeaders=host;x-amz-date, Signature=ab`;

  test("tells access key, scope, signed headers, time, payload and token", () => {
    const withToken = signed(
      `AWS4-HMAC-SHA256 Credential=${credential},Signature=ab,SignedHeaders=host;x-amz-security-token`,
      "X-Amz-Security-Token",
      "t/o+k=",
    );
    assert.deepEqual(parseAuthorization(withToken, options), {
      kind: "v4",
      form: "header",
      accessKey: "AK",
      scope: { date: "20260101", region: "eu-west-7", service: "s3" },
      signedHeaders: ["host", "x-amz-security-token"],
      signature: "ab",
      timestamp: "20260101T000000Z",
      signedAtMillis: Date.UTC(2026, 0, 1),
      expiresSeconds: undefined,
      payload: { kind: "sha256", value: EMPTY, sha256: EMPTY },
      sessionToken: "t/o+k=",
    });
  });

  test("an access key may hold slashes", () => {
    const parsed = parseAuthorization(signed(`AWS4-HMAC-SHA256 ${fields.replace("AK/", "ldap/cn=a/")}`), options);
    assert.equal(parsed.kind === "v4" && parsed.accessKey, "ldap/cn=a");
  });

  test("the Date header serves where x-amz-date is missing", () => {
    const rawHeaders = ["host", "h", "x-amz-content-sha256", EMPTY, "authorization", `AWS4-HMAC-SHA256 ${fields}`];
    const parsed = parseAuthorization(get("/", ...rawHeaders, "date", "Thu, 01 Jan 2026 00:00:05 GMT"), options);
    assert.equal(parsed.kind === "v4" && parsed.timestamp, "20260101T000005Z");
    code(get("/", ...rawHeaders), "DATE_MISSING");
    code(get("/", ...rawHeaders, "date", "yesterday"), "DATE_MISSING");
    code(get("/", ...rawHeaders, "x-amz-date", "20260101"), "DATE_MISSING");
  });

  test("whatever is missing or malformed in it is told", () => {
    const malformed = [
      "AWS4-HMAC-SHA256 ",
      `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host`,
      `AWS4-HMAC-SHA256 Credential=${credential}, Signature=ab`,
      "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=ab",
      `AWS4-HMAC-SHA256 ${fields}, Signature=cd`,
      `AWS4-HMAC-SHA256 ${fields}, what`,
      `AWS4-HMAC-SHA256 ${fields.replace("aws4_request", "aws5_request")}`,
      `AWS4-HMAC-SHA256 ${fields.replace("AK/", "")}`,
      `AWS4-HMAC-SHA256 ${fields.replace("AK/", "/")}`,
      `AWS4-HMAC-SHA256 ${fields.replace("20260101", "2026-1-1")}`,
      `AWS4-HMAC-SHA256 ${fields.replace("eu-west-7", "")}`,
    ];
    for (const authorization of malformed) code(signed(authorization), "AUTHORIZATION_HEADER_MALFORMED");
    code(
      signed(`AWS4-HMAC-SHA256 ${fields.replace("/s3/", "/ec2/")}`),
      "AUTHORIZATION_HEADER_MALFORMED",
      /another service/,
    );
    code(signed(`AWS4-HMAC-SHA256 ${fields.replace("0101", "0102")}`), "AUTHORIZATION_HEADER_MALFORMED", /date/);
    code(signed(`AWS4-HMAC-SHA256 ${fields}`, "authorization", "x"), "AUTHORIZATION_HEADER_MALFORMED", /twice/);
    code(
      signed(`AWS4-HMAC-SHA256 ${fields}`, "X-AMZ-DATE", "20260101T000000Z"),
      "AUTHORIZATION_HEADER_MALFORMED",
      /twice/,
    );
  });

  test("256 signed headers are enough for anybody, and one more is refused", () => {
    const names = (count: number): string => Array.from({ length: count }, (_, at) => `h${at}`).join(";");
    const many = (count: number): string =>
      `AWS4-HMAC-SHA256 ${fields.replace("host;x-amz-date", `host;${names(count - 1)}`)}`;
    assert.equal(parseAuthorization(signed(many(256)), options).kind, "v4");
    code(signed(many(257)), "AUTHORIZATION_HEADER_MALFORMED", /Too many/);
  });

  test("host and every x-amz header must be signed, in whatever case they come", () => {
    code(signed(`AWS4-HMAC-SHA256 ${fields.replace("host;", "")}`), "HEADERS_NOT_SIGNED");
    code(signed(`AWS4-HMAC-SHA256 ${fields}`, "X-aMz-Acl", "public-read"), "HEADERS_NOT_SIGNED");
    assert.equal(parseAuthorization(signed(`AWS4-HMAC-SHA256 ${fields}`, "x-amzn-trace-id", "1"), options).kind, "v4");
  });

  test("x-amz-content-sha256 is asked for where the caller says so", () => {
    const request = get(
      "/",
      "host",
      "h",
      "x-amz-date",
      "20260101T000000Z",
      "authorization",
      `AWS4-HMAC-SHA256 ${fields}`,
    );
    code(request, "SECURITY_HEADER_MISSING");
    const parsed = parseAuthorization(request, { ...options, payloadHashRequired: false });
    assert.deepEqual(parsed.payload, { kind: "undeclared" });
  });

  test("V4A and unknown schemes are refused by name", () => {
    code(signed(`AWS4-ECDSA-P256-SHA256 ${fields}`), "AUTHORIZATION_UNSUPPORTED", /ECDSA/);
    for (const scheme of ["Bearer x", "Basic eDp5", "AWS4-HMAC-SHA512 a=b", "AWS4-HMAC-SHA256", ""]) {
      code(signed(scheme), "AUTHORIZATION_UNSUPPORTED");
    }
  });
});

describe("the query form", () => {
  const parameters: Readonly<Record<string, string>> = {
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": credential.replaceAll("/", "%2F"),
    "X-Amz-Date": "20260101T000000Z",
    "X-Amz-Expires": "60",
    "X-Amz-SignedHeaders": "host",
    "X-Amz-Signature": "ab",
  };
  const link = (changed: Readonly<Record<string, string | undefined>>, ...rawHeaders: string[]): RequestHead => {
    const all = Object.entries({ ...parameters, ...changed }).filter(([, value]) => value !== undefined);
    return get(`/b/k?${all.map(([name, value]) => `${name}=${value}`).join("&")}`, "host", "h", ...rawHeaders);
  };

  test("tells what a header would, and how long the link is good", () => {
    assert.deepEqual(parseAuthorization(link({ "X-Amz-Security-Token": "a%2Bb%3D" }), options), {
      kind: "v4",
      form: "query",
      accessKey: "AK",
      scope: { date: "20260101", region: "eu-west-7", service: "s3" },
      signedHeaders: ["host"],
      signature: "ab",
      timestamp: "20260101T000000Z",
      signedAtMillis: Date.UTC(2026, 0, 1),
      expiresSeconds: 60,
      payload: { kind: "unsigned", value: "UNSIGNED-PAYLOAD" },
      sessionToken: "a+b=",
    });
  });

  test("each of the six parameters is needed, once", () => {
    for (const name of Object.keys(parameters)) {
      code(link({ [name]: undefined }), "AUTHORIZATION_QUERY_MALFORMED");
      const request = link({});
      code(
        { ...request, target: `${request.target}&${name}=${parameters[name]}` },
        "AUTHORIZATION_QUERY_MALFORMED",
        /twice/,
      );
    }
  });

  test("a link is good for one second to seven days", () => {
    for (const expires of ["1", "604800"]) {
      assert.equal(parseAuthorization(link({ "X-Amz-Expires": expires }), options).kind, "v4");
    }
    for (const expires of ["", "0", "-1", "604801", "1e3", "1.5", "9999999", "0x10"]) {
      code(link({ "X-Amz-Expires": expires }), "AUTHORIZATION_QUERY_MALFORMED", /604800/);
    }
  });

  test("another service, date, algorithm or an unsigned header is refused", () => {
    code(link({ "X-Amz-Credential": "AK%2F20260101%2Fr%2Fec2%2Faws4_request" }), "AUTHORIZATION_QUERY_MALFORMED");
    code(link({ "X-Amz-Date": "20260102T000000Z" }), "AUTHORIZATION_QUERY_MALFORMED");
    code(link({ "X-Amz-Date": "20261301T000000Z" }), "AUTHORIZATION_QUERY_MALFORMED");
    code(link({ "X-Amz-Algorithm": "AWS4-ECDSA-P256-SHA256" }), "AUTHORIZATION_UNSUPPORTED", /ECDSA/);
    code(link({ "X-Amz-SignedHeaders": "range" }), "HEADERS_NOT_SIGNED");
    code(link({}, "x-amz-acl", "private"), "HEADERS_NOT_SIGNED");
  });

  test("beside a header it is a conflict, and so are two forms in one query", () => {
    code(link({}, "authorization", "AWS4-HMAC-SHA256 x"), "AUTHORIZATION_CONFLICT");
    code(get("/?AWSAccessKeyId=a&Signature=b&Expires=1", "authorization", "AWS a:b"), "AUTHORIZATION_CONFLICT");
    code(link({ AWSAccessKeyId: "a" }), "AUTHORIZATION_CONFLICT");
    code(get("/?X-Amz-Signature=1", "authorization", "AWS a:b"), "AUTHORIZATION_CONFLICT");
  });

  test("a content hash in the query goes before one in a header", () => {
    const parsed = parseAuthorization(
      link({ "X-Amz-Content-Sha256": EMPTY }, "x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
      options,
    );
    assert.equal(parsed.payload.kind, "sha256");
    const header = parseAuthorization(link({}, "x-amz-content-sha256", EMPTY), options);
    assert.equal(header.payload.kind, "sha256");
  });
});

describe("without authorization", () => {
  test("a request is anonymous, whatever its query", () => {
    for (const target of ["/", "/b/k?versionId=1", "/b?prefix=X-Amz-Signature", "/b?x=X-Amz-Signature=1"]) {
      assert.deepEqual(parseAuthorization(get(target), options), {
        kind: "anonymous",
        payload: { kind: "undeclared" },
      });
    }
  });

  test("it may send chunks without signatures, but not with", () => {
    const unsigned = get("/", "x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER");
    assert.equal(parseAuthorization(unsigned, options).payload.kind, "chunks-unsigned");
    code(get("/", "x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), "CONTENT_SHA256_INVALID");
  });
});

describe("x-amz-content-sha256", () => {
  const kindOf = (value: string): unknown =>
    parseAuthorization(get("/", "x-amz-content-sha256", value), options).payload;

  test("is a hash in either case, or one of the named forms", () => {
    assert.deepEqual(kindOf(EMPTY.toUpperCase()), { kind: "sha256", value: EMPTY.toUpperCase(), sha256: EMPTY });
    assert.deepEqual(kindOf("UNSIGNED-PAYLOAD"), { kind: "unsigned", value: "UNSIGNED-PAYLOAD" });
  });

  test("anything else is refused, the ECDSA streaming forms by name", () => {
    const values = ["", "x", EMPTY.slice(1), `${EMPTY}0`, EMPTY.replace("e", "g"), "unsigned-payload"];
    const ecdsa = ["STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER"];
    for (const value of [...values, ...ecdsa]) code(get("/", "x-amz-content-sha256", value), "CONTENT_SHA256_INVALID");
  });
});
