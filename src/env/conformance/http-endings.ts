// How exchanges and listeners end before their time.

import { equal, notEqual, ok, rejects } from "node:assert/strict";
import { text, utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { type ByteSource, sourceOf } from "../../std/source.ts";
import type { Case } from "./case.ts";
import { type HttpFixture, serve, TEST_LISTEN } from "./http-fixture.ts";

export const BREAK_CASES: readonly Case<HttpFixture>[] = [
  {
    name: "a source that fails breaks the reply off: never a clean end of a short body",
    run: async (fixture) => {
      for (const headers of [[], ["content-length", "100000"]]) {
        const failure = new Error("the disk is gone");
        let outcome: unknown;
        await using server = await serve(fixture, async (exchange) => {
          outcome = await rejection(exchange.reply(200, headers, failingSource(failure)));
        });
        await rejects(server.request({ method: "GET", target: "/" }));
        await server.idle();
        equal(outcome, failure);
      }
    },
  },
  {
    name: "a source that is shorter or longer than its content-length breaks the reply off",
    run: async (fixture) => {
      for (const length of [9, 11]) {
        let outcome: unknown;
        await using server = await serve(fixture, async (exchange) => {
          outcome = await rejection(
            exchange.reply(200, ["content-length", String(length)], sourceOf(utf8("0123456789"))),
          );
        });
        await rejects(server.request({ method: "GET", target: "/" }));
        await server.idle();
        ok(hasCode(outcome, "REPLY_LENGTH_WRONG"));
      }
    },
  },
  {
    name: "a client that goes away aborts the signal, and the reply is refused",
    run: async (fixture) => {
      const client = new AbortController();
      let reason: unknown;
      let outcome: unknown;
      let cancelled = false;
      await using server = await serve(fixture, async (exchange) => {
        const aborted = new Promise<void>((resolve) => exchange.signal.addEventListener("abort", () => resolve()));
        client.abort();
        await aborted;
        reason = exchange.signal.reason;
        const body: ByteSource = {
          read: async () => utf8("x"),
          cancel: () => {
            cancelled = true;
          },
        };
        outcome = await rejection(exchange.reply(200, [], body));
      });
      await rejects(server.request({ method: "GET", target: "/", signal: client.signal }));
      await server.idle();
      ok(hasCode(reason, "CLIENT_GONE"));
      ok(hasCode(outcome, "CLIENT_GONE"));
      equal(cancelled, true);
    },
  },
  {
    name: "a client that goes away in the middle of a reply ends it and cancels its source",
    run: async (fixture) => {
      const client = new AbortController();
      let outcome: unknown;
      let cancelled = false;
      await using server = await serve(fixture, async (exchange) => {
        let reads = 0;
        const body: ByteSource = {
          read: async () => {
            if (reads++ > 0) client.abort();
            return reads > 1 ? new Promise<never>(() => {}) : utf8("x");
          },
          cancel: () => {
            cancelled = true;
          },
        };
        outcome = await rejection(exchange.reply(200, [], body));
        equal(exchange.signal.aborted, true);
      });
      await rejects(server.request({ method: "GET", target: "/", signal: client.signal }));
      await server.idle();
      ok(hasCode(outcome, "CLIENT_GONE"));
      equal(cancelled, true);
    },
  },
  {
    name: "a body that breaks off rejects its reader",
    run: async (fixture) => {
      const client = new AbortController();
      let outcome: unknown;
      let sent = false;
      const body: ByteSource = {
        read: async () => {
          if (sent) return new Promise<never>(() => {});
          sent = true;
          return new Uint8Array(1_000);
        },
        cancel() {},
      };
      await using server = await serve(fixture, async (exchange) => {
        await exchange.body.read();
        const next = exchange.body.read();
        client.abort();
        outcome = await rejection(next);
        ok(hasCode(await rejection(exchange.body.read()), "CLIENT_GONE"));
        ok(hasCode(await rejection(exchange.reply(200, [])), "CLIENT_GONE"));
      });
      await rejects(server.request({ method: "PUT", target: "/", body, signal: client.signal }));
      await server.idle();
      ok(hasCode(outcome, "CLIENT_GONE"));
    },
  },
  {
    name: "the signal of an exchange that was completed stays as it is",
    run: async (fixture) => {
      let signal: AbortSignal | undefined;
      await using server = await serve(fixture, async (exchange) => {
        signal = exchange.signal;
        await exchange.reply(200, []);
      });
      await server.request({ method: "GET", target: "/" });
      await server.close();
      equal(signal?.aborted, false);
    },
  },
];

export const LISTENER_CASES: readonly Case<HttpFixture>[] = [
  {
    name: "headers beyond the limit get the gateway's own words",
    run: async (fixture) => {
      await using server = await serve(fixture, (exchange) => exchange.reply(200, []), { headerBytesMax: 2_000 });
      const reply = await server.request({ method: "GET", target: "/", headers: ["x-big", "x".repeat(3_000)] });
      equal(reply.status, 431);
      equal(text(reply.body), "malformed 431");
      equal((await server.request({ method: "GET", target: "/" })).status, 200);
    },
  },
  {
    name: "a port that is taken is refused by name; port 0 takes a free one",
    run: async (fixture) => {
      await using one = await serve(fixture, (exchange) => exchange.reply(200, [], utf8("one")));
      await using two = await serve(fixture, (exchange) => exchange.reply(200, [], utf8("two")));
      notEqual(one.port, two.port);
      await rejects(
        fixture.http.listen({ ...TEST_LISTEN, port: one.port }, () => {}),
        (error) => hasCode(error, "ADDRESS_TAKEN"),
      );
      equal(text((await two.request({ method: "GET", target: "/" })).body), "two");
      const { port } = one;
      await one.close();
      await using again = await serve(fixture, (exchange) => exchange.reply(200, []), { port });
      equal(again.port, port);
    },
  },
  {
    name: "a listener that closes lets running exchanges end and takes no new ones",
    run: async (fixture) => {
      let finish = (): void => {};
      const started = Promise.withResolvers<void>();
      await using server = await serve(fixture, async (exchange) => {
        const going = new Promise<void>((resolve) => {
          finish = resolve;
        });
        started.resolve();
        await going;
        await exchange.reply(200, [], utf8("done"));
      });
      const running = server.request({ method: "GET", target: "/" });
      await started.promise;
      const closing = server.close(10_000);
      await rejects(server.request({ method: "GET", target: "/" }));
      finish();
      equal(text((await running).body), "done");
      await closing;
    },
  },
  {
    name: "a listener that closes without grace cuts what runs",
    run: async (fixture) => {
      const started = Promise.withResolvers<void>();
      let outcome: unknown;
      await using server = await serve(fixture, async (exchange) => {
        const aborted = new Promise<void>((resolve) => exchange.signal.addEventListener("abort", () => resolve()));
        started.resolve();
        await aborted;
        outcome = await rejection(exchange.reply(200, []));
      });
      const running = rejects(server.request({ method: "GET", target: "/" }));
      await started.promise;
      await server.close(0);
      await running;
      await server.idle();
      ok(hasCode(outcome, "CLIENT_GONE"));
    },
  },
];

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    return error;
  }
}

function failingSource(failure: Error): ByteSource {
  let reads = 0;
  return {
    async read() {
      if (reads++ === 0) return utf8("so far so good");
      throw failure;
    },
    cancel() {},
  };
}
