import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { deterministicBytes } from "../src/testing/deterministic-bytes.ts";
import { S3TestClient } from "../src/testing/s3-client.ts";
import { type ServerProcess, startServerProcess } from "../src/testing/server-process.ts";
import {
  accessibilityFaults,
  dropFiles,
  launchBrowser,
  type OpenPage,
  openPage,
  screenshot,
  signIn,
} from "./browser.ts";
import { sha256 } from "./client.ts";

// The console as an operator uses it, in a real Chromium on a real server. What it did is checked through S3.

describe("the console in Chromium", () => {
  let server: ServerProcess;
  let browser: Browser;
  let s3: S3TestClient;
  let folder: string;
  let open: OpenPage;
  let page: Page;

  const button = (name: string | RegExp) => page.getByRole("button", { name, exact: typeof name === "string" });
  const said = (text: string | RegExp) => page.getByRole("status").filter({ hasText: text }).waitFor();
  const titled = (name: string) => page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
  const bytesOf = async (target: string): Promise<Uint8Array> => (await s3.call({ method: "GET", target })).body;

  before(async () => {
    server = await startServerProcess();
    s3 = new S3TestClient(server.s3, server);
    browser = await launchBrowser();
    folder = await mkdtemp(join(tmpdir(), "ashlar-console-"));
    open = await openPage(browser, server);
    page = open.page;
  });
  after(async () => {
    s3?.close();
    await browser?.close();
    await server?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  test("a wrong secret is refused with the reason, and nothing is shown", async () => {
    await page.goto("/app/");
    await page.getByLabel("Access key").fill(server.accessKey);
    await page.getByLabel("Secret key").fill("not the secret");
    await button("Sign in").click();
    await page.getByRole("alert").filter({ hasText: "LOGIN_FAILED" }).waitFor();
    assert.equal(await page.getByRole("navigation").count(), 0);
    await screenshot(page, "login-refused");
  });

  test("the overview opens with one sentence, and is live", async () => {
    await signIn(page, server);
    await page.getByText("Everything is in order").waitFor();
    await page.getByText("Live, updated").waitFor();
    await page.getByRole("img", { name: /^Requests, last 15 minutes: requests from/ }).waitFor();
    assert.equal(await page.getByRole("heading", { name: "Faults" }).count(), 0);
  });

  test("a bucket is made, and files are put into it by picker and by drag and drop, byte for byte", async () => {
    await page.getByRole("link", { name: "Data", exact: true }).click();
    await button("Create bucket").click();
    await page.getByLabel("Name").fill("photos");
    await button("Create").click();
    await titled("photos");

    const picked = deterministicBytes(1, 3_000_000);
    await writeFile(join(folder, "picked.bin"), picked);
    await page.locator("input[type=file]").setInputFiles(join(folder, "picked.bin"));
    await said(/^1 file uploaded\.$/);
    await page.getByRole("rowheader", { name: "picked.bin" }).waitFor();
    assert.equal(sha256(await bytesOf("/photos/picked.bin")), sha256(picked));

    const dropped = [
      { name: "empty.txt", bytes: new Uint8Array(0) },
      { name: "ümläut 日本+&.txt", bytes: deterministicBytes(2, 5000) },
    ];
    await page.getByLabel("into the folder").fill("2026");
    await dropFiles(page, dropped);
    await said(/^2 files uploaded\.$/);
    for (const { name, bytes } of dropped) {
      assert.deepEqual(new Uint8Array(await bytesOf(`/photos/2026/${encodeURIComponent(name)}`)), bytes);
    }
    await page.getByRole("link", { name: "2026/" }).click();
    await titled("2026/");
    await page.getByRole("rowheader", { name: "ümläut 日本+&.txt" }).waitFor();
    await screenshot(page, "browse");
  });

  test("a file takes the place of an object only when it is told to", async () => {
    const target = "/photos/2026/empty.txt";
    const bytes = deterministicBytes(3, 100);
    const upload = () => dropFiles(page, [{ name: "empty.txt", bytes }]);
    await upload();
    await said("1 already there.");
    await button("Keep photos/2026/empty.txt").click();
    assert.equal((await bytesOf(target)).length, 0);
    await upload();
    await button("Replace photos/2026/empty.txt").click();
    await said(/^1 file uploaded\.$/);
    assert.deepEqual(new Uint8Array(await bytesOf(target)), bytes);
    await page.getByRole("region", { name: "Uploads" }).getByRole("button", { name: "Close" }).click();
  });

  test("an upload is cancelled, and leaves nothing behind", async () => {
    // The request is held back, so that there is something to cancel.
    await page.route("**/v1/buckets/photos/object?**", (route) =>
      route.request().method() === "PUT" ? undefined : route.continue(),
    );
    await dropFiles(page, [{ name: "never.bin", bytes: deterministicBytes(4, 100) }]);
    await button("Cancel photos/2026/never.bin").click();
    await said("All uploads were cancelled.");
    await page.unroute("**/v1/buckets/photos/object?**");
    assert.equal((await s3.call({ method: "HEAD", target: "/photos/2026/never.bin" })).status, 404);
    await page.getByRole("region", { name: "Uploads" }).getByRole("button", { name: "Close" }).click();
  });

  test("an object is described, downloaded, and shared by a link that needs no credential", async () => {
    const key = "2026/told.txt";
    const headers = { "content-type": "text/plain", "x-amz-meta-camera": "X100" };
    await s3.call({ method: "PUT", target: `/photos/${key}`, headers, body: new TextEncoder().encode("told") });
    await page.goto(`/app/data?bucket=photos&key=${encodeURIComponent(key)}`);
    await page.getByRole("cell", { name: "X100" }).waitFor();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Download" }).click(),
    ]);
    assert.equal(download.suggestedFilename(), "told.txt");
    assert.equal(await readFile(await download.path(), "utf8"), "told");

    await button("Share by link").click();
    await page.getByLabel("Works for").selectOption("5 minutes");
    await button("Make link").click();
    const url = await page.getByLabel("The link, until").inputValue();
    const answer = await fetch(url);
    assert.deepEqual([answer.status, await answer.text()], [200, "told"]);
    assert.match(answer.headers.get("content-disposition") ?? "", /^attachment/);
    await button("Copy link").click();
    assert.equal(await page.evaluate("navigator.clipboard.readText()"), url);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  });

  test("deleting asks by name, and with versions an object can be brought back", async () => {
    await page.goto("/app/data/settings?bucket=photos");
    await button("Switch on").click();
    await said("Versioning of photos is on.");
    await page.goto("/app/data?bucket=photos&prefix=2026%2F");
    await page.getByLabel("Select 2026/told.txt").check();
    await button("Delete selected (1)").click();
    const dialog = page.getByRole("dialog", { name: "Delete object?" });
    await dialog.getByText("2026/told.txt").waitFor();
    assert.equal(
      await dialog.getByRole("button", { name: "Cancel" }).evaluate((element) => element.matches(":focus")),
      true,
    );
    await dialog.getByRole("button", { name: "Delete" }).click();
    await said("2026/told.txt was deleted from photos.");
    assert.equal((await s3.call({ method: "GET", target: "/photos/2026/told.txt" })).status, 404);

    await page.getByRole("link", { name: "Show versions and deleted objects" }).click();
    const marker = page.getByRole("row").filter({ hasText: "told.txt" }).filter({ hasText: "Deleted" });
    await marker.getByRole("link").first().click();
    await page.getByText("This version is a delete marker").waitFor();
    await button("Delete").click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await said("2026/told.txt was deleted from photos.");
    assert.equal(new TextDecoder().decode(await bytesOf("/photos/2026/told.txt")), "told");
  });

  test("a bucket's policy is checked and saved, and lets the public in", async () => {
    await page.goto("/app/data/settings?bucket=photos");
    await button("Begin with public reading").click();
    await button("Check").click();
    await said("The document is a valid policy.");
    await button("Save").click();
    await page.getByText("Public: requests without a credential are let in").waitFor();
    assert.equal(await (await fetch(`${server.s3}/photos/2026/told.txt`)).text(), "told");
    await page.getByLabel("Document (JSON)").fill("{");
    await button("Save").click();
    await page.getByRole("alert").filter({ hasText: "POLICY_MALFORMED" }).waitFor();
    await button("Remove policy").click();
    await page.getByRole("dialog").getByRole("button", { name: "Remove policy" }).click();
    await page.getByText("None: users' own policies decide alone").waitFor();
  });

  test("a bucket that holds something is not deleted, and the reason is told", async () => {
    await button("Delete bucket").click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Delete bucket" }).click();
    await dialog.getByRole("alert").filter({ hasText: "BUCKET_NOT_EMPTY" }).waitFor();
    await dialog.getByRole("button", { name: "Cancel" }).click();
  });

  test("a user gets a key whose secret is shown once, works against S3, and ends when it is deleted", async () => {
    await page.getByRole("link", { name: "Users and keys" }).click();
    await button("Create user").click();
    await page.getByLabel("Name").fill("alice");
    await page.getByLabel("readonly", { exact: true }).check();
    await button("Create").click();
    await titled("alice");
    await button("Create access key").click();
    await page.getByLabel("Description").fill("nightly backup");
    await button("Create").click();
    const dialog = page.getByRole("dialog", { name: "New access key of alice" });
    const [accessKey = "", secretKey = ""] = await dialog.locator("code").allTextContents();
    await page.keyboard.press("Escape");
    await button("I have stored it").click();
    assert.equal(await page.getByText(secretKey).count(), 0);

    const alice = new S3TestClient(server.s3, { accessKey, secretKey });
    const statusOf = async (method: string) => (await alice.call({ method, target: "/photos/2026/told.txt" })).status;
    assert.deepEqual([await statusOf("GET"), await statusOf("DELETE")], [200, 403]);
    await button(`Disable ${accessKey}`).click();
    await said(`Access key ${accessKey} is disabled.`);
    assert.equal(await statusOf("GET"), 403);
    await button(`Enable ${accessKey}`).click();
    await said(`Access key ${accessKey} is enabled.`);
    assert.equal(await statusOf("GET"), 200);
    await button(`Delete ${accessKey}`).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete access key" }).click();
    await said(`Access key ${accessKey} was deleted.`);
    assert.equal(await statusOf("GET"), 403);
    alice.close();
  });

  test("a policy is written, attached, and explains what it decides", async () => {
    await page.goto("/app/policies/new");
    await page.getByLabel("Name").fill("photo.reader");
    const field = page.getByLabel("Document (JSON)");
    await field.fill((await field.inputValue()).replaceAll("BUCKET", "photos"));
    await button("Save").click();
    await titled("photo.reader");
    await page.goto("/app/users?user=alice");
    await page.getByLabel("Another policy").selectOption("photo.reader");
    await button("Attach").click();
    await said("Policy photo.reader was attached to alice.");
    await button("Detach readonly").click();
    await said("Policy readonly was detached from alice.");
    await page.getByRole("link", { name: "What may this user do?" }).click();
    await page.getByLabel("Resource").fill("photos/2026/told.txt");
    await button("Check").click();
    await said("Allowed");
    await page.getByRole("cell", { name: "Yes" }).waitFor();
    await page.getByLabel("Action").fill("s3:PutObject");
    await button("Check").click();
    await said("Denied, because nothing allows it");
  });

  test("what was done is among the events, with who did it", async () => {
    await page.getByRole("link", { name: "Events" }).click();
    const row = page.getByRole("row").filter({ hasText: "create-user" });
    await row.filter({ hasText: "user alice" }).filter({ hasText: "root" }).waitFor();
    // An act while one looks is there without loading again.
    await s3.call({ method: "PUT", target: "/logs" });
    await open.context.request.put(`${server.api}/v1/users/bob`, { data: {}, headers: { origin: server.api } });
    await page.getByRole("row").filter({ hasText: "user bob" }).waitFor();
    await page.getByRole("link", { name: "Errors", exact: true }).click();
    await page.getByText("Nothing of this severity has happened.").waitFor();
  });

  test("what a user may not see is told, and the rest of the page works", async () => {
    const created = await open.context.request.post(`${server.api}/v1/users/bob/access-keys`, {
      data: {},
      headers: { origin: server.api },
    });
    const { id: accessKey, secret: secretKey } = await created.json();
    await using bob = await openPage(browser, server);
    await signIn(bob.page, { accessKey, secretKey });
    await bob.page.getByRole("alert").filter({ hasText: "ACCESS_DENIED" }).waitFor();
    assert.equal(await bob.page.getByText("Not live").count(), 0);
    assert.deepEqual(bob.problems, []);
  });

  test("a user of one bucket opens it by its name", async () => {
    const send = async (method: string, path: string, data: object) => {
      const headers = { origin: server.api };
      const answer = await open.context.request.fetch(`${server.api}/v1${path}`, { method, data, headers });
      assert.ok(answer.ok(), await answer.text());
      return answer;
    };
    const statement = { Effect: "Allow", Action: "s3:ListBucket", Resource: "arn:aws:s3:::photos" };
    await send("PUT", "/policies/photos-only", {
      document: JSON.stringify({ Version: "2012-10-17", Statement: [statement] }),
    });
    await send("PUT", "/users/carol", { policies: ["photos-only"] });
    const { id: accessKey, secret: secretKey } = await (await send("POST", "/users/carol/access-keys", {})).json();
    await using carol = await openPage(browser, server);
    await signIn(carol.page, { accessKey, secretKey });
    await carol.page.getByRole("link", { name: "Data", exact: true }).click();
    await carol.page.getByLabel("Bucket", { exact: true }).fill("photos");
    assert.deepEqual(await accessibilityFaults(carol.page), []);
    await screenshot(carol.page, "open-by-name");
    await carol.page.getByRole("button", { name: "Open", exact: true }).click();
    await carol.page.getByRole("heading", { level: 1, name: "photos", exact: true }).waitFor();
    await carol.page.getByRole("link", { name: "2026/" }).waitFor();
    assert.deepEqual(carol.problems, []);
  });

  test("a session that has ended asks to sign in, and goes on where one was", async () => {
    await page.goto("/app/users?user=alice");
    await titled("alice");
    await open.context.clearCookies();
    // Nobody touches the page: the next look at the status tells it.
    await page.getByText("Your session has ended").waitFor();
    await page.getByLabel("Access key").fill(server.accessKey);
    await page.getByLabel("Secret key").fill(server.secretKey);
    await button("Sign in").click();
    await titled("alice");
  });

  test("faults are told first, each with its object, since when, and the command that helps", async () => {
    const faults = [
      {
        object: "volume 7",
        severity: "error",
        since: "2026-11-21T10:00:00.000Z",
        what: "1 needle can not be read.",
        command: "ashlar volume verify 7",
      },
      {
        object: "disk",
        severity: "warning",
        since: "2026-11-21T11:00:00.000Z",
        what: "Space runs out.",
        command: "ashlar volume ls",
      },
    ];
    await page.route("**/v1/status", async (route) => {
      const answer = await route.fetch();
      const sentence = "Volume 7: 1 needle can not be read (and 1 more fault).";
      await route.fulfill({ json: { ...(await answer.json()), health: "unhealthy", sentence, faults } });
    });
    await page.goto("/app/");
    await page.getByText("Unhealthy").waitFor();
    const row = page.getByRole("table", { name: "Faults" }).getByRole("row").filter({ hasText: "volume 7" });
    await row.getByText("ashlar volume verify 7", { exact: true }).waitFor();
    assert.equal(await row.locator("time").getAttribute("datetime"), "2026-11-21T10:00:00.000Z");
    assert.deepEqual(await accessibilityFaults(page), []);
    await screenshot(page, "faults");
    await page.unroute("**/v1/status");
  });

  test("a server that is gone is told, and its return is noticed", async () => {
    await page.getByText("Healthy", { exact: true }).waitFor();
    await page.route("**/v1/**", (route) => route.abort());
    await page.getByRole("link", { name: "Policies", exact: true }).first().click();
    await page.getByRole("alert").filter({ hasText: "The server does not answer." }).waitFor();
    await page.unroute("**/v1/**");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("rowheader", { name: "photo.reader" }).waitFor();
  });

  test("everything can be done with the keyboard alone", async () => {
    await using other = await openPage(browser, server);
    const { keyboard } = other.page;
    const focused = () =>
      other.page.evaluate<string>(
        "document.activeElement.innerText || document.activeElement.getAttribute('aria-label') || ''",
      );
    const tabTo = async (name: string) => {
      for (let presses = 0; presses < 60; presses++) {
        await keyboard.press("Tab");
        if ((await focused()).startsWith(name)) return;
      }
      assert.fail(`${name} was not reached with the Tab key`);
    };
    await other.page.goto("/app/data");
    await other.page.getByLabel("Access key").waitFor();
    await keyboard.type(server.accessKey);
    await keyboard.press("Tab");
    await keyboard.type(server.secretKey);
    await keyboard.press("Enter");
    await other.page.getByRole("heading", { level: 1, name: "Buckets" }).waitFor();
    await tabTo("Skip to the content");
    await keyboard.press("Enter");
    await tabTo("Create bucket");
    await keyboard.press("Enter");
    await other.page.getByRole("dialog").waitFor();
    await keyboard.type("by-keyboard");
    await keyboard.press("Enter");
    await other.page.getByRole("heading", { level: 1, name: "by-keyboard" }).waitFor();
    assert.equal(await focused(), "by-keyboard", "the new page begins at its title");
    await tabTo("Settings");
    await keyboard.press("Enter");
    await other.page.getByRole("heading", { level: 1, name: "Settings of by-keyboard" }).waitFor();
    await tabTo("Delete bucket");
    await keyboard.press("Enter");
    await other.page.getByRole("dialog").waitFor();
    assert.equal(await focused(), "Cancel", "a dangerous question begins at its harmless answer");
    await keyboard.press("Escape");
    await other.page.getByRole("dialog").waitFor({ state: "detached" });
    await other.page.waitForFunction("document.activeElement.innerText === 'Delete bucket'");
    await keyboard.press("Enter");
    await keyboard.press("Shift+Tab");
    await keyboard.press("Enter");
    await other.page.getByRole("heading", { level: 1, name: "Buckets" }).waitFor();
    await other.page.getByText("Bucket by-keyboard was deleted.").waitFor();
    assert.deepEqual(other.problems, []);
  });

  test("the Raft lab elects, survives its leader and commits, by keyboard and without signing in", async () => {
    await using other = await openPage(browser, server);
    const { keyboard } = other.page;
    const line = (text: RegExp) => other.page.locator(".journal li").filter({ hasText: text }).first().waitFor();
    const press = async (name: RegExp) => {
      for (let presses = 0; presses < 80; presses++) {
        await keyboard.press("Tab");
        const focused = await other.page.evaluate<string>("document.activeElement.innerText");
        if (!name.test(focused.replaceAll(/\s+/g, " "))) continue;
        await keyboard.press("Enter");
        return;
      }
      assert.fail(`${name} was not reached with the Tab key`);
    };
    await other.page.goto("/app/sim");
    await other.page.getByLabel("Speed").fill("6");
    await line(/Node \d leads term 2\./);
    await press(/^Node \d leader/);
    await press(/^Crash$/);
    await line(/Node \d crashes/);
    await line(/Node \d leads term [3-9]/);
    await press(/^Node \d leader/);
    await press(/^Propose a value$/);
    await line(/v1 is committed/);
    await other.page.getByText(/at index \d+, applied by [345] of 5/).waitFor();
    assert.ok((await other.page.locator(".cell-committed").filter({ hasText: "v1" }).count()) >= 3);
    await screenshot(other.page, "raft-lab");

    // What was done is repeated by whoever gets the link.
    await press(/^Pause time$/);
    const journal = await other.page.locator(".journal").innerText();
    await other.page.getByRole("button", { name: "Copy this run" }).click();
    await other.page.getByRole("status").filter({ hasText: "Copied" }).waitFor();
    await using reader = await openPage(browser, server);
    await reader.page.goto(await other.page.evaluate<string>("navigator.clipboard.readText()"));
    await reader.page.getByRole("button", { name: "Skip to its end" }).click();
    await reader.page.getByRole("button", { name: "Let time run" }).waitFor();
    assert.equal(await reader.page.locator(".journal").innerText(), journal);
    assert.equal(await reader.page.getByRole("alert").count(), 0);
    assert.deepEqual([...other.problems, ...reader.problems], []);
  });

  const pages: readonly (readonly [string, string])[] = [
    ["overview", "/app/"],
    ["buckets", "/app/data"],
    ["objects", "/app/data?bucket=photos&prefix=2026%2F"],
    ["versions", "/app/data?bucket=photos&prefix=2026%2F&versions=all"],
    ["object", "/app/data?bucket=photos&key=2026%2Ftold.txt"],
    ["settings", "/app/data/settings?bucket=photos"],
    ["users", "/app/users"],
    ["user", "/app/users?user=alice"],
    ["policies", "/app/policies"],
    ["policy", "/app/policies?policy=photo.reader"],
    ["new-policy", "/app/policies/new"],
    ["decision", "/app/policies/check"],
    ["events", "/app/events"],
    ["sim", "/app/sim"],
    ["missing", "/app/nothing"],
  ];
  for (const [colorScheme, width] of [
    ["light", 1280],
    ["dark", 360],
  ] as const) {
    test(`every page is without a fault of axe-core and without sideways scrolling, ${colorScheme} and ${width} px wide`, async () => {
      await using other = await openPage(browser, server, { colorScheme, width });
      const faults: string[] = [];
      const look = async (name: string): Promise<void> => {
        for (const fault of await accessibilityFaults(other.page)) faults.push(`${name}: ${fault}`);
        const scrolled = await other.page.evaluate<number>("document.scrollingElement.scrollWidth");
        if (scrolled > width) faults.push(`${name}: ${scrolled} px wide`);
        await screenshot(other.page, `${name}-${colorScheme}-${width}`);
      };
      await other.page.goto("/app/");
      await other.page.getByLabel("Access key").waitFor();
      await look("login");
      await signIn(other.page, server);
      for (const [name, path] of pages) {
        await other.page.goto(path);
        await other.page.getByRole("heading", { level: 1 }).waitFor();
        await other.page.getByText("Loading", { exact: true }).waitFor({ state: "detached" });
        await look(name);
      }
      await other.page.goto("/app/data");
      await other.page.getByRole("button", { name: "Create bucket" }).click();
      await look("dialog");
      assert.deepEqual(faults, []);
      assert.deepEqual(other.problems, []);
    });
  }

  test("nothing went wrong in the page meanwhile: no exception, no policy violated, no error in the console", () => {
    assert.deepEqual(open.problems, []);
  });
});
