import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { accessibilityFaults, openPage, screenshot, signIn } from "./browser.ts";
import { type OpenConsole, openConsole } from "./console.ts";

describe("all pages of the console", () => {
  let app: OpenConsole;

  before(async () => {
    app = await openConsole();
    await signIn(app.page, app.server);
    await fill(app);
  });
  after(() => app?.[Symbol.asyncDispose]());

  test("everything can be done with the keyboard alone", async () => {
    const { server, browser } = app;
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
    ["cluster", "/app/cluster"],
    ["ids", "/app/ids"],
    ["events", "/app/events"],
    ["sim", "/app/sim"],
    ["missing", "/app/nothing"],
  ];
  for (const [colorScheme, width] of [
    ["light", 1280],
    ["dark", 360],
  ] as const) {
    test(`every page is without a fault of axe-core and without sideways scrolling, ${colorScheme} and ${width} px wide`, async () => {
      const { server, browser } = app;
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
});

/** So that no page is empty: objects with versions, one deleted, a user with a key, a policy, ids. */
async function fill({ s3, send }: OpenConsole): Promise<void> {
  const put = async (target: string, text: string): Promise<void> => {
    const { status } = await s3.call({ method: "PUT", target, body: new TextEncoder().encode(text) });
    assert.equal(status, 200, target);
  };
  await put("/photos", "");
  await put(
    "/photos?versioning",
    '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>',
  );
  for (const text of ["told", "told again"]) await put("/photos/2026/told.txt", text);
  await put(`/photos/2026/${encodeURIComponent("ümläut 日本+&.txt")}`, "name");
  await put("/photos/2026/gone.txt", "gone");
  await s3.call({ method: "DELETE", target: "/photos/2026/gone.txt" });
  const statement = { Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::photos/*" };
  const document = JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
  await send("PUT", "/policies/photo.reader", { document });
  await send("PUT", "/users/alice", { policies: ["photo.reader"] });
  await send("POST", "/users/alice/access-keys", {});
  await send("PUT", "/ids/tags/orders", { description: "of the shop" });
  await send("POST", "/ids/tags/orders/next");
  await send("POST", "/ids/generators/twitter/next");
}
