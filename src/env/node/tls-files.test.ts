import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { copyFile, utimes, writeFile } from "node:fs/promises";
import { request as startRequest } from "node:https";
import { join } from "node:path";
import { describe, test } from "node:test";
import { createSecureContext } from "node:tls";
import { utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { TEST_LISTEN } from "../conformance/http-fixture.ts";
import { temporaryFolder } from "../conformance/temporary-folder.ts";
import { nodeHttp } from "./http.ts";
import { loadTls, TlsWatch, versionOf } from "./tls-files.ts";

const TESTDATA = join(import.meta.dirname, "testdata", "tls");

interface Pair {
  readonly certFile: string;
  readonly keyFile: string;
}

describe("TLS of nodeHttp", () => {
  test("an exchange knows that it is secure, and its reply arrives", async () => {
    const listener = await nodeHttp.listen({ ...TEST_LISTEN, tls: filesOf(TESTDATA, "one") }, (exchange) => {
      void exchange.reply(200, [], utf8(`secure ${exchange.secure}`));
    });
    deepEqual(await get(listener.port), { subject: "one", body: "secure true" });
    await listener.close(0);
  });

  test("files that are missing, or do not belong together, are refused by name", async () => {
    const bad: Pair[] = [
      filesOf(TESTDATA, "missing"),
      { ...filesOf(TESTDATA, "one"), keyFile: filesOf(TESTDATA, "two").keyFile },
      { certFile: import.meta.filename, keyFile: import.meta.filename },
    ];
    for (const tls of bad) {
      await rejects(
        nodeHttp.listen({ ...TEST_LISTEN, tls }, () => {}),
        (error) => hasCode(error, "TLS_INVALID"),
      );
    }
  });

  test("a pair that was replaced is taken into use, one that does not fit is not", async () => {
    await using folder = await temporaryFolder();
    const files = filesOf(folder.path, "used");
    await install("one", files);
    const seen: number[] = [];
    const watch = new TlsWatch(files, await versionOf(files), (options) => {
      ok(createSecureContext(options));
      seen.push(seen.length);
    });
    await watch.check();
    equal(seen.length, 0, "nothing has changed");
    await copyFile(filesOf(TESTDATA, "two").certFile, files.certFile);
    await watch.check();
    equal(seen.length, 0, "the key is still the old one");
    await copyFile(filesOf(TESTDATA, "two").keyFile, files.keyFile);
    await watch.check();
    await watch.check();
    equal(seen.length, 1);
    await writeFile(files.keyFile, "nonsense");
    await watch.check();
    equal(seen.length, 1);
    await install("one", files);
    await utimes(files.certFile, 1, 1);
    await Promise.all([watch.check(), watch.check()]);
    equal(seen.length, 2);
    watch.stop();
    equal(Object.keys(await loadTls(files)).length, 2);
  });
});

function filesOf(folder: string, name: string): Pair {
  return { certFile: join(folder, `${name}.cert.pem`), keyFile: join(folder, `${name}.key.pem`) };
}

async function install(name: string, files: Pair): Promise<void> {
  const from = filesOf(TESTDATA, name);
  await copyFile(from.certFile, files.certFile);
  await copyFile(from.keyFile, files.keyFile);
}

function get(port: number): Promise<{ subject: string; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = startRequest({ host: "127.0.0.1", port, agent: false, rejectUnauthorized: false }, (incoming) => {
      const { socket } = incoming;
      const certificate =
        "getPeerCertificate" in socket ? (socket as import("node:tls").TLSSocket).getPeerCertificate() : undefined;
      let body = "";
      incoming.setEncoding("utf8");
      incoming.on("data", (text: string) => {
        body += text;
      });
      incoming.on("end", () => resolve({ subject: String(certificate?.subject.CN), body }));
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}
