import { deepEqual, equal, rejects } from "node:assert/strict";
import { describe, test } from "node:test";
import { createSimEnv } from "../env/sim/index.ts";
import { openIds } from "../service/ids/index.ts";
import { hasCode } from "../std/errors.ts";
import type { RawOptions } from "../std/options.ts";
import { MemoryRows, MemoryStore } from "../testing/memory-store.ts";
import { Logger } from "./logger.ts";
import { resolveServerOptions } from "./start.ts";
import { openThrift } from "./thrift.ts";

function world() {
  const machine = createSimEnv({ seed: 1 });
  const { env, scheduler } = machine;
  const ids = openIds({ store: new MemoryStore(new MemoryRows()), env, node: "node" });
  const logger = new Logger(env.clock, "text", () => {});
  const open = (values: RawOptions) =>
    scheduler.settle(openThrift({ env, logger, options: resolveServerOptions([{ label: "test", values }]) }, ids));
  const close = (resource: AsyncDisposable) => scheduler.settle(Promise.resolve(resource[Symbol.asyncDispose]()));
  return { open, close, ids };
}

describe("--thrift-listen", () => {
  test("is open by --thrift-anonymous only, at Twitter's port unless told otherwise", async () => {
    const { open, close, ids } = world();
    equal(await open({}), undefined);
    equal(await open({ thriftListen: "127.0.0.1:0" }), undefined);
    const listener = await open({ thriftAnonymous: true });
    equal(listener!.url, "thrift://127.0.0.1:7609");
    await close(listener!);
    await close(ids);
  });

  test("needs --allow-plaintext where it is not loopback", async () => {
    const { open, close, ids } = world();
    const values = { thriftAnonymous: true, thriftListen: "10.0.0.1:7609" };
    await rejects(open(values), (error) => {
      deepEqual(
        [hasCode(error, "PLAINTEXT_REFUSED"), (error as Error).message.includes("--thrift-listen")],
        [true, true],
      );
      return true;
    });
    const listener = await open({ ...values, allowPlaintext: true });
    equal(listener!.url, "thrift://10.0.0.1:7609");
    await close(listener!);
    await close(ids);
  });

  test("with a certificate needs its key, and no --allow-plaintext", async () => {
    const { open, close, ids } = world();
    const values = { thriftAnonymous: true, thriftListen: "10.0.0.1:7609", thriftTlsCert: "cert.pem" };
    await rejects(open(values), (error) => hasCode(error, "TLS_INCOMPLETE"));
    const listener = await open({ ...values, thriftTlsKey: "key.pem" });
    equal(listener!.url, "thrifts://10.0.0.1:7609");
    await close(listener!);
    await close(ids);
  });

  test("is named where its address is taken", async () => {
    const { open, close, ids } = world();
    const listener = await open({ thriftAnonymous: true });
    await rejects(open({ thriftAnonymous: true }), (error) => {
      deepEqual([hasCode(error, "ADDRESS_REFUSED"), /--thrift-listen/.test((error as Error).message)], [true, true]);
      return true;
    });
    await close(listener!);
    await close(ids);
  });
});
