import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { TestAnswer } from "./testing/exchange.ts";
import { codeOf, openTestS3, type TestS3, xmlOf } from "./testing/fixture.ts";

type Headers = Readonly<Record<string, string>>;

const RULES = `<CORSConfiguration>
  <CORSRule><ID>reads</ID><AllowedOrigin>https://*.example.com</AllowedOrigin><AllowedMethod>GET</AllowedMethod><AllowedMethod>HEAD</AllowedMethod><ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>600</MaxAgeSeconds></CORSRule>
  <CORSRule><AllowedOrigin>https://app.test</AllowedOrigin><AllowedMethod>PUT</AllowedMethod><AllowedHeader>x-amz-*</AllowedHeader><AllowedHeader>content-type</AllowedHeader></CORSRule>
  <CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>DELETE</AllowedMethod></CORSRule>
</CORSConfiguration>`;

describe("CORS", () => {
  let s3: TestS3;
  before(async () => {
    s3 = await openTestS3();
    for (const bucket of ["bucket", "plain"]) await s3.objects.createBucket(bucket, "root");
  });
  after(async () => {
    await s3[Symbol.asyncDispose]();
  });

  const configure = (body: string) => s3.signed({ method: "PUT", target: "/bucket?cors", body });
  const preflight = (headers: Headers, target = "/bucket/k") => s3.anonymous({ method: "OPTIONS", target, headers });
  const told = (answer: TestAnswer): (string | undefined)[] => [
    answer.headers.get("access-control-allow-origin"),
    answer.headers.get("access-control-allow-methods"),
    answer.headers.get("access-control-allow-headers"),
    answer.headers.get("access-control-max-age"),
  ];

  test("a bucket has no rules until it gets some, and gives them back", async () => {
    const none = await s3.signed({ method: "GET", target: "/bucket?cors" });
    assert.equal(none.status, 404);
    assert.equal(codeOf(none), "NoSuchCORSConfiguration");
    assert.equal((await configure(RULES)).status, 200);
    const rules = xmlOf(await s3.signed({ method: "GET", target: "/bucket?cors" })).all("CORSRule");
    assert.equal(rules.length, 3);
    assert.equal(rules[0]!.required("ID").text(), "reads");
    assert.deepEqual(
      rules[0]!.all("AllowedMethod").map((method) => method.text()),
      ["GET", "HEAD"],
    );
    assert.equal(rules[0]!.required("MaxAgeSeconds").text(), "600");
  });

  test("a preflight is told what the first rule that fits allows", async () => {
    const read = await preflight({ origin: "https://a.example.com", "access-control-request-method": "GET" });
    assert.equal(read.status, 200);
    assert.deepEqual(told(read), ["https://a.example.com", "GET, HEAD", undefined, "600"]);
    assert.equal(read.headers.get("access-control-expose-headers"), "ETag");
    assert.equal(read.headers.get("access-control-allow-credentials"), "true");
    const write = await preflight({
      origin: "https://app.test",
      "access-control-request-method": "PUT",
      "access-control-request-headers": "X-Amz-Date, Content-Type",
    });
    assert.deepEqual(told(write), ["https://app.test", "PUT", "X-Amz-Date, Content-Type", undefined]);
    const anyone = await preflight({ origin: "null", "access-control-request-method": "DELETE" });
    assert.deepEqual(told(anyone), ["*", "DELETE", undefined, undefined]);
    assert.equal(anyone.headers.has("access-control-allow-credentials"), false);
  });

  test("a preflight that no rule fits is refused", async () => {
    const refused: readonly Headers[] = [
      { origin: "https://example.com", "access-control-request-method": "GET" },
      { origin: "https://a.example.com", "access-control-request-method": "PUT" },
      {
        origin: "https://app.test",
        "access-control-request-method": "PUT",
        "access-control-request-headers": "authorization",
      },
    ];
    for (const headers of refused) {
      const answer = await preflight(headers);
      assert.equal(answer.status, 403, JSON.stringify(headers));
      assert.equal(codeOf(answer), "AccessForbidden");
      assert.deepEqual(told(answer), [undefined, undefined, undefined, undefined]);
    }
    const plain = await preflight({ origin: "https://a", "access-control-request-method": "GET" }, "/plain/k");
    assert.equal(codeOf(plain), "AccessForbidden");
    const missing = await preflight({ origin: "https://a", "access-control-request-method": "GET" }, "/missing/k");
    assert.equal(codeOf(missing), "AccessForbidden");
  });

  test("a preflight that says too little is a bad request", async () => {
    for (const headers of [
      {},
      { origin: "https://a.example.com" },
      { origin: "https://a.example.com", "access-control-request-method": "BREW" },
      { "access-control-request-method": "GET" },
    ]) {
      const answer = await preflight(headers as Headers);
      assert.equal(answer.status, 400, JSON.stringify(headers));
      assert.equal(codeOf(answer), "BadRequest");
    }
  });

  test("answers and errors carry the headers of the rule for their method", async () => {
    await s3.signed({ method: "PUT", target: "/bucket/k", body: "x" });
    const origin = "https://a.example.com";
    const read = await s3.signed({ method: "GET", target: "/bucket/k", headers: { origin } });
    assert.deepEqual(told(read), [origin, "GET, HEAD", undefined, "600"]);
    assert.match(read.headers.get("vary") ?? "", /Origin/);
    const missing = await s3.signed({ method: "GET", target: "/bucket/missing", headers: { origin } });
    assert.equal(missing.status, 404);
    assert.equal(missing.headers.get("access-control-allow-origin"), origin);
    const denied = await s3.anonymous({ method: "GET", target: "/bucket/k", headers: { origin } });
    assert.equal(denied.status, 403);
    assert.equal(denied.headers.get("access-control-allow-origin"), origin);
    const write = await s3.signed({ method: "PUT", target: "/bucket/k", body: "x", headers: { origin } });
    assert.equal(write.headers.has("access-control-allow-origin"), false);
    const without = await s3.signed({ method: "GET", target: "/bucket/k" });
    assert.equal(without.headers.has("access-control-allow-origin"), false);
    const nowhere = await s3.signed({ method: "GET", target: "/missing/k", headers: { origin } });
    assert.equal(nowhere.status, 404);
  });

  test("rules that mean nothing are refused, and the old ones stay", async () => {
    const rule = (inside: string): string => `<CORSConfiguration><CORSRule>${inside}</CORSRule></CORSConfiguration>`;
    const origin = "<AllowedOrigin>https://a</AllowedOrigin>";
    const method = "<AllowedMethod>GET</AllowedMethod>";
    const refused: readonly (readonly [string, string])[] = [
      ["", "MalformedXML"],
      ["<CORSConfiguration/>", "MalformedXML"],
      [rule(origin), "MalformedXML"],
      [rule(method), "MalformedXML"],
      [rule(`${origin}${method}<Color>red</Color>`), "MalformedXML"],
      [rule(`${origin}<AllowedMethod>PATCH</AllowedMethod>`), "InvalidRequest"],
      [rule(`<AllowedOrigin>*.a.*</AllowedOrigin>${method}`), "InvalidRequest"],
      [rule(`${origin}${method}<AllowedHeader>*-*</AllowedHeader>`), "InvalidRequest"],
      [rule(`${origin}${method}<ExposeHeader>*</ExposeHeader>`), "InvalidRequest"],
      [rule(`${origin}${method}<ExposeHeader>a\nb: c</ExposeHeader>`), "InvalidRequest"],
      [rule(`${origin}${method}<MaxAgeSeconds>soon</MaxAgeSeconds>`), "InvalidArgument"],
      [rule(`${origin}${method}<ID>${"i".repeat(256)}</ID>`), "InvalidRequest"],
      [
        `<CORSConfiguration>${`<CORSRule>${origin}${method}</CORSRule>`.repeat(101)}</CORSConfiguration>`,
        "InvalidRequest",
      ],
    ];
    for (const [document, code] of refused)
      assert.equal(codeOf(await configure(document)), code, document.slice(0, 200));
    assert.equal(xmlOf(await s3.signed({ method: "GET", target: "/bucket?cors" })).all("CORSRule").length, 3);
  });

  test("a bucket without rules is as if it never had any", async () => {
    assert.equal((await s3.signed({ method: "DELETE", target: "/bucket?cors" })).status, 204);
    assert.equal(codeOf(await s3.signed({ method: "GET", target: "/bucket?cors" })), "NoSuchCORSConfiguration");
    const read = await s3.signed({ method: "GET", target: "/bucket/k", headers: { origin: "https://a.example.com" } });
    assert.equal(read.headers.has("access-control-allow-origin"), false);
  });

  test("nothing of all this was a surprise to the server", () => {
    assert.deepEqual(s3.unexpected, []);
  });
});
