import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { S3TestClient } from "../src/testing/s3-client.ts";
import { accessibilityFaults, openPage, screenshot, signIn } from "./browser.ts";
import { type OpenConsole, openConsole } from "./console.ts";

describe("the console's pages of users, keys and policies", () => {
  let app: OpenConsole;

  before(async () => {
    app = await openConsole();
    await signIn(app.page, app.server);
    await app.s3.call({ method: "PUT", target: "/photos" });
    await app.s3.call({ method: "PUT", target: "/photos/2026/told.txt", body: new TextEncoder().encode("told") });
  });
  after(() => app?.[Symbol.asyncDispose]());

  test("a user gets a key whose secret is shown once, works against S3, and ends when it is deleted", async () => {
    const { server, page, button, said, titled } = app;
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
    await dialog.waitFor();
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
    const { page, button, said, titled } = app;
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

  test("what a user may not see is told, and the rest of the page works", async () => {
    const { server, browser, send } = app;
    await send("PUT", "/users/bob", {});
    const { id: accessKey, secret: secretKey } = await (await send("POST", "/users/bob/access-keys", {})).json();
    await using bob = await openPage(browser, server);
    await signIn(bob.page, { accessKey, secretKey });
    await bob.page.getByRole("alert").filter({ hasText: "ACCESS_DENIED" }).waitFor();
    assert.equal(await bob.page.getByText("Not live").count(), 0);
    assert.deepEqual(bob.problems, []);
  });

  test("a user of one bucket opens it by its name", async () => {
    const { server, browser, send } = app;
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

  test("nothing went wrong in the page meanwhile: no exception, no policy violated, no error in the console", () => {
    assert.deepEqual(app.problems, []);
  });
});
