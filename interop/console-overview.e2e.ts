import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { accessibilityFaults, screenshot, signIn } from "./browser.ts";
import { type OpenConsole, openConsole } from "./console.ts";

describe("the console's way in, overview and events", () => {
  let app: OpenConsole;

  before(async () => {
    app = await openConsole();
  });
  after(() => app?.[Symbol.asyncDispose]());

  test("a wrong secret is refused with the reason, and nothing is shown", async () => {
    const { server, page, button } = app;
    await page.goto("/app/");
    await page.getByLabel("Access key").fill(server.accessKey);
    await page.getByLabel("Secret key").fill("not the secret");
    await button("Sign in").click();
    await page.getByRole("alert").filter({ hasText: "LOGIN_FAILED" }).waitFor();
    assert.equal(await page.getByRole("navigation").count(), 0);
    await screenshot(page, "login-refused");
  });

  test("the overview opens with one sentence, and is live", async () => {
    const { server, page } = app;
    await signIn(page, server);
    await page.getByText("Everything is in order").waitFor();
    await page.getByText("Live, updated").waitFor();
    await page.getByRole("img", { name: /^Requests, last 15 minutes: requests from/ }).waitFor();
    assert.equal(await page.getByRole("heading", { name: "Faults" }).count(), 0);
  });

  test("what was done is among the events, with who did it", async () => {
    const { page, send } = app;
    await send("PUT", "/users/alice", {});
    await page.getByRole("link", { name: "Events" }).click();
    const row = page.getByRole("row").filter({ hasText: "create-user" });
    await row.filter({ hasText: "user alice" }).filter({ hasText: "root" }).waitFor();
    // An act while one looks is there without loading again.
    await send("PUT", "/users/bob", {});
    await page.getByRole("row").filter({ hasText: "user bob" }).waitFor();
    await page.getByRole("link", { name: "Errors", exact: true }).click();
    await page.getByText("Nothing of this severity has happened.").waitFor();
  });

  test("a session that has ended asks to sign in, and goes on where one was", async () => {
    const { server, page, context, button, titled } = app;
    await page.goto("/app/users?user=alice");
    await titled("alice");
    await context.clearCookies();
    // Nobody touches the page: the next look at the status tells it.
    await page.getByText("Your session has ended").waitFor();
    await page.getByLabel("Access key").fill(server.accessKey);
    await page.getByLabel("Secret key").fill(server.secretKey);
    await button("Sign in").click();
    await titled("alice");
  });

  test("faults are told first, each with its object, since when, and the command that helps", async () => {
    const { page } = app;
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
    const { page } = app;
    await page.getByText("Healthy", { exact: true }).waitFor();
    await page.route("**/v1/**", (route) => route.abort());
    await page.getByRole("link", { name: "Policies", exact: true }).first().click();
    await page.getByRole("alert").filter({ hasText: "The server does not answer." }).waitFor();
    await page.unroute("**/v1/**");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("rowheader", { name: "readonly", exact: true }).waitFor();
  });

  test("nothing went wrong in the page meanwhile: no exception, no policy violated, no error in the console", () => {
    assert.deepEqual(app.problems, []);
  });
});
