import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { deterministicBytes } from "../src/testing/deterministic-bytes.ts";
import { dropFiles, screenshot, signIn } from "./browser.ts";
import { sha256 } from "./client.ts";
import { type OpenConsole, openConsole } from "./console.ts";

describe("the console's pages of data", () => {
  let app: OpenConsole;

  before(async () => {
    app = await openConsole();
    await signIn(app.page, app.server);
  });
  after(() => app?.[Symbol.asyncDispose]());

  test("a bucket is made, and files are put into it by picker and by drag and drop, byte for byte", async () => {
    const { folder, page, button, said, titled, bytesOf } = app;
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
    const { page, button, said, bytesOf } = app;
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
    const { s3, page, button, said } = app;
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
    const { s3, page, button } = app;
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
    const { s3, page, button, said, bytesOf } = app;
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
    const { server, page, button, said } = app;
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
    const { page, button } = app;
    await button("Delete bucket").click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Delete bucket" }).click();
    await dialog.getByRole("alert").filter({ hasText: "BUCKET_NOT_EMPTY" }).waitFor();
    await dialog.getByRole("button", { name: "Cancel" }).click();
  });

  test("nothing went wrong in the page meanwhile: no exception, no policy violated, no error in the console", () => {
    assert.deepEqual(app.problems, []);
  });
});
