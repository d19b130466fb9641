import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { APIResponse, Browser, Locator } from "playwright-core";
import { S3TestClient } from "../src/testing/s3-client.ts";
import { type ServerProcess, startServerProcess } from "../src/testing/server-process.ts";
import { launchBrowser, type OpenPage, openPage } from "./browser.ts";

/** The console as an operator uses it, in a real Chromium on a real server. What it did is checked through S3. */
export interface OpenConsole extends OpenPage {
  readonly server: ServerProcess;
  readonly browser: Browser;
  /** As the server's root. */
  readonly s3: S3TestClient;
  /** For files that are sent; it goes with the rest. */
  readonly folder: string;
  /** A text is the whole name, an expression a part of it. */
  button(name: string | RegExp): Locator;
  /** Waits until a note of the page says so. */
  said(text: string | RegExp): Promise<void>;
  /** Waits for the page of this title. */
  titled(name: string): Promise<void>;
  /** An object as S3 has it. */
  bytesOf(target: string): Promise<Uint8Array>;
  /** A call of the HTTP API in the page's own session, which must be signed in. */
  send(method: string, path: string, data?: object): Promise<APIResponse>;
}

export async function openConsole(): Promise<OpenConsole> {
  await using owned = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "ashlar-console-"));
  owned.defer(() => rm(folder, { recursive: true, force: true }));
  const server = owned.use(await startServerProcess());
  const s3 = owned.adopt(new S3TestClient(server.s3, server), (client) => client.close());
  const browser = owned.adopt(await launchBrowser(), (one) => one.close());
  const { page, context, problems } = owned.use(await openPage(browser, server));
  const all = owned.move();
  return {
    ...{ server, browser, s3, folder, page, context, problems },
    button: (name) => page.getByRole("button", { name, exact: typeof name === "string" }),
    said: (text) => page.getByRole("status").filter({ hasText: text }).waitFor(),
    titled: (name) => page.getByRole("heading", { level: 1, name, exact: true }).waitFor(),
    bytesOf: async (target) => (await s3.call({ method: "GET", target })).body,
    async send(method, path, data) {
      const headers = { origin: server.api };
      const answer = await context.request.fetch(`${server.api}/v1${path}`, { method, headers, ...(data && { data }) });
      assert.ok(answer.ok(), await answer.text());
      return answer;
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
