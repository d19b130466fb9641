import assert from "node:assert/strict";
import { test } from "node:test";
import { GrowingCluster } from "../src/server/testing/growing-cluster.ts";
import { accessibilityFaults, launchBrowser, openPage, screenshot, signIn } from "./browser.ts";

test("the console of any node shows the cluster, and a node's end within seconds", async () => {
  await using cluster = await GrowingCluster.of(true, ["b", "c"]);
  const browser = await launchBrowser();
  try {
    const { page, problems } = await openPage(browser, cluster.node("b"));
    await signIn(page, cluster.node("b"));
    await page.getByRole("link", { name: "3 of 3 nodes answer" }).click();
    await page.getByRole("heading", { level: 1, name: "Cluster", exact: true }).waitFor();
    await page.getByText("Can lose 1 more node.").waitFor();
    await page.getByRole("row").filter({ hasText: "2 (this one)" }).filter({ hasText: "active" }).waitFor();
    assert.equal(await page.getByRole("row").filter({ hasText: "up to date" }).count(), 3);
    await page.getByRole("heading", { level: 2, name: "Ranges" }).waitFor();
    await page
      .getByRole("row")
      .filter({ hasText: "begin" })
      .filter({ hasText: "end" })
      .filter({ hasText: "all" })
      .waitFor();
    await screenshot(page, "cluster");

    await cluster.stop("c");
    await page.getByText("Can lose 0 more nodes. Node 3 does not answer.").waitFor();
    await page.getByRole("row").filter({ hasText: "does not answer" }).waitFor();
    assert.deepEqual(await accessibilityFaults(page), []);
    await page.getByRole("link", { name: "Overview" }).click();
    await page.getByRole("row").filter({ hasText: "node 3" }).filter({ hasText: "ashlar cluster status" }).waitFor();
    assert.deepEqual(problems, []);
  } finally {
    await browser.close();
  }
});
