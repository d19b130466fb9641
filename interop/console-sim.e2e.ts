import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { openPage, screenshot } from "./browser.ts";
import { type OpenConsole, openConsole } from "./console.ts";

describe("the console's Raft lab", () => {
  let app: OpenConsole;

  before(async () => {
    app = await openConsole();
  });
  after(() => app?.[Symbol.asyncDispose]());

  test("the Raft lab elects, survives its leader and commits, by keyboard and without signing in", async () => {
    const { server, browser } = app;
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
});
