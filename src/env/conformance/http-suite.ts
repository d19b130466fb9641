import { deepEqual, equal, notEqual, ok, rejects } from "node:assert/strict";
import { concatBytes, text, utf8 } from "../../std/bytes.ts";
import { type ByteSource, sourceOf } from "../../std/source.ts";
import { findHeader } from "../http-headers.ts";
import { type Case, registerCases, type Test } from "./case.ts";
import { BREAK_CASES, LISTENER_CASES } from "./http-endings.ts";
import { type HttpFixture, serve } from "./http-fixture.ts";

export function httpConformance(test: Test, make: () => Promise<HttpFixture>): void {
  registerCases(test, [...REQUEST_CASES, ...REPLY_CASES, ...BREAK_CASES, ...LISTENER_CASES], make);
}

const REQUEST_CASES: readonly Case<HttpFixture>[] = [
  {
    name: "a handler sees the method, the target and the headers as they were sent",
    run: async (fixture) => {
      const headers = ["X-One", "1", "x-Two", "a", "X-TWO", "b", "X-Empty", ""];
      const target = "/b%C3%BCcket/a//b/../c?x=%2F&y&z=a+b%20c";
      await using server = await serve(fixture, async (exchange) => {
        equal(exchange.method, "DELETE");
        equal(exchange.target, target);
        equal(exchange.header("x-one"), "1");
        equal(exchange.header("x-two"), "a, b");
        equal(exchange.header("x-empty"), "");
        equal(exchange.header("x-three"), undefined);
        const at = exchange.rawHeaders.indexOf("X-One");
        deepEqual(exchange.rawHeaders.slice(at, at + 8), headers);
        equal(exchange.remoteAddress, "127.0.0.1");
        equal(exchange.secure, false);
        equal(exchange.replied, false);
        equal(await exchange.body.read(), null);
        const reply = exchange.reply(204, []);
        equal(exchange.replied, true);
        await reply;
      });
      const reply = await server.request({ method: "DELETE", target, headers });
      equal(reply.status, 204);
      equal(findHeader(reply.headers, "content-length"), undefined);
    },
  },
  {
    name: "a body is read in chunks to its end, again and again null after it",
    run: async (fixture) => {
      const chunks = [new Uint8Array(100_000).fill(1), utf8("two"), new Uint8Array(300_000).fill(3)];
      await using server = await serve(fixture, async (exchange) => {
        const seen: Uint8Array[] = [];
        for (let chunk = await exchange.body.read(); chunk !== null; chunk = await exchange.body.read()) {
          notEqual(chunk.length, 0);
          equal(Object.getPrototypeOf(chunk), Uint8Array.prototype);
          seen.push(chunk.slice());
        }
        equal(await exchange.body.read(), null);
        deepEqual(concatBytes(seen), concatBytes(chunks));
        exchange.body.cancel();
        await exchange.reply(200, [], utf8("took it"));
      });
      for (const body of [concatBytes(chunks), sourceOf(...chunks)]) {
        const reply = await server.request({ method: "PUT", target: "/", body });
        equal(text(reply.body), "took it");
      }
    },
  },
  {
    name: "an empty body is over at once",
    run: async (fixture) => {
      await using server = await serve(fixture, async (exchange) => {
        equal(await exchange.body.read(), null);
        await exchange.reply(200, []);
      });
      for (const body of [new Uint8Array(0), sourceOf()]) {
        equal((await server.request({ method: "PUT", target: "/", body })).status, 200);
      }
    },
  },
  {
    name: "many exchanges run side by side",
    run: async (fixture) => {
      let open: (() => void)[] = [];
      await using server = await serve(fixture, async (exchange) => {
        await new Promise<void>((resolve) => {
          open.push(resolve);
          if (open.length < 20) return;
          for (const go of open) go();
          open = [];
        });
        await exchange.reply(200, [], utf8(exchange.target));
      });
      const replies = await Promise.all(
        Array.from({ length: 20 }, (_, at) => server.request({ method: "GET", target: `/${at}` })),
      );
      deepEqual(
        replies.map(({ body }) => text(body)),
        replies.map((_, at) => `/${at}`),
      );
    },
  },
];

const REPLY_CASES: readonly Case<HttpFixture>[] = [
  {
    name: "a reply has its status, headers and bytes, and the length of bytes is told",
    run: async (fixture) => {
      await using server = await serve(fixture, (exchange) =>
        exchange.reply(418, ["X-Case", "Kept", "x-twice", "1", "x-twice", "2"], utf8("teapot")),
      );
      const reply = await server.request({ method: "GET", target: "/" });
      equal(reply.status, 418);
      ok(reply.headers.includes("X-Case"));
      equal(findHeader(reply.headers, "x-twice"), "1, 2");
      equal(findHeader(reply.headers, "content-length"), "6");
      equal(text(reply.body), "teapot");
    },
  },
  {
    name: "a reply without a body is empty",
    run: async (fixture) => {
      await using server = await serve(fixture, (exchange) => exchange.reply(200, []));
      const reply = await server.request({ method: "GET", target: "/" });
      equal(findHeader(reply.headers, "content-length"), "0");
      equal(reply.body.length, 0);
    },
  },
  {
    name: "a reply streams from a source, with its length or without, and the source may reuse its memory",
    run: async (fixture) => {
      await using server = await serve(fixture, (exchange) => {
        const headers = exchange.target === "/known" ? ["content-length", "300000"] : [];
        return exchange.reply(200, headers, reusingSource(30, 10_000));
      });
      for (const target of ["/known", "/unknown"]) {
        const reply = await server.request({ method: "GET", target });
        equal(reply.body.length, 300_000);
        for (let at = 0; at < 30; at++) equal(reply.body[at * 10_000 + 5_000], at);
        equal(findHeader(reply.headers, "content-length"), target === "/known" ? "300000" : undefined);
      }
    },
  },
  {
    name: "a reply to HEAD and one of 304 keep their length and send no body",
    run: async (fixture) => {
      let cancelled = 0;
      await using server = await serve(fixture, async (exchange) => {
        if (exchange.target === "/none") return exchange.reply(200, ["content-length", "1234"]);
        if (exchange.target === "/bytes") return exchange.reply(200, [], utf8("12345"));
        if (exchange.target === "/304") return exchange.reply(304, ["content-length", "77"]);
        return exchange.reply(200, ["content-length", "99"], {
          read: () => Promise.reject(new Error("not read")),
          cancel: () => {
            cancelled++;
          },
        });
      });
      const lengths = [];
      for (const target of ["/none", "/bytes", "/304", "/source"]) {
        const reply = await server.request({ method: target === "/304" ? "GET" : "HEAD", target });
        equal(reply.body.length, 0);
        lengths.push(findHeader(reply.headers, "content-length"));
      }
      deepEqual(lengths, ["1234", "5", "77", "99"]);
      equal(cancelled, 1);
      // The connection is still in step.
      equal((await server.request({ method: "HEAD", target: "/none" })).status, 200);
    },
  },
  {
    name: "a reply may come before the body was read, or in the middle of it",
    run: async (fixture) => {
      await using server = await serve(fixture, async (exchange) => {
        if (exchange.target === "/middle") await exchange.body.read();
        if (exchange.target === "/cancelled") exchange.body.cancel();
        const body = exchange.header("x-stream") === undefined ? utf8("enough") : sourceOf(utf8("eno"), utf8("ugh"));
        await exchange.reply(403, [], body);
      });
      for (const target of ["/before", "/middle", "/cancelled"]) {
        for (const bytes of [10, 200_000, 3_000_000]) {
          for (const headers of [[], ["x-stream", "1"]]) {
            const reply = await server.request({ method: "PUT", target, headers, body: new Uint8Array(bytes) });
            equal(reply.status, 403);
            equal(text(reply.body), "enough");
          }
        }
      }
    },
  },
  {
    name: "a reply may be made of the request's body while that still comes",
    run: async (fixture) => {
      await using server = await serve(fixture, (exchange) => exchange.reply(200, [], exchange.body));
      const body = new Uint8Array(500_000).map((_, at) => at);
      const reply = await server.request({ method: "POST", target: "/", body });
      deepEqual(new Uint8Array(reply.body), body);
    },
  },
  {
    name: "an exchange is answered once",
    run: async (fixture) => {
      await using server = await serve(fixture, async (exchange) => {
        const first = exchange.reply(200, [], utf8("first"));
        await rejects(async () => exchange.reply(200, [], utf8("second")), { name: "AssertionError" });
        await first;
        await rejects(async () => exchange.reply(200, [], utf8("third")), { name: "AssertionError" });
      });
      equal(text((await server.request({ method: "GET", target: "/" })).body), "first");
    },
  },
];

/** Chunk n is full of n, all of them in one piece of memory. */
function reusingSource(chunks: number, bytes: number): ByteSource {
  const memory = new Uint8Array(bytes);
  let next = 0;
  return {
    async read() {
      if (next === chunks) return null;
      memory.fill(next++);
      return memory;
    },
    cancel() {},
  };
}
