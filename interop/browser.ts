import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import axe from "axe-core";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import type { ServerProcess } from "../src/testing/server-process.ts";

/** A real Chromium without a window, which makes no connection but those of the test. */
export function launchBrowser(): Promise<Browser> {
  const quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"];
  const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--disable-quic", ...quiet] });
}

export interface OpenPage extends AsyncDisposable {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What went wrong in the page: exceptions, violations of the content security policy, messages of errors. */
  readonly problems: readonly string[];
}

export interface PageOptions {
  readonly colorScheme?: "light" | "dark";
  readonly width?: number;
}

export async function openPage(
  browser: Browser,
  server: ServerProcess,
  { colorScheme = "light", width = 1280 }: PageOptions = {},
): Promise<OpenPage> {
  const context = await browser.newContext({
    ...{ baseURL: server.api, colorScheme, viewport: { width, height: 900 }, acceptDownloads: true },
    permissions: ["clipboard-read", "clipboard-write"],
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(`exception: ${error.message}`));
  page.on("console", (message) => {
    // Chromium notes every answer from 400 on, and every request that a test breaks, as an error; they are part of what is tested.
    const isRefusal = /^Failed to load resource: (the server responded with a status of 4\d\d|net::ERR_FAILED)/.test(
      message.text(),
    );
    if (["error", "warning"].includes(message.type()) && !isRefusal)
      problems.push(`${message.type()}: ${message.text()}`);
  });
  await page.addInitScript(
    `addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
      console.error("policy violated: " + violatedDirective + " " + blockedURI));`,
  );
  return { page, context, problems, [Symbol.asyncDispose]: () => context.close() };
}

export async function signIn(
  page: Page,
  { accessKey, secretKey }: Pick<ServerProcess, "accessKey" | "secretKey">,
): Promise<void> {
  await page.goto("/app/");
  await page.getByLabel("Access key").fill(accessKey);
  await page.getByLabel("Secret key").fill(secretKey);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
}

/** What axe-core finds against WCAG 2.2 AA and its own good practice, one line each. */
export async function accessibilityFaults(page: Page): Promise<readonly string[]> {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  await page.evaluate(axe.source);
  const found = await page.evaluate<axe.AxeResults>(`axe.run(document, { runOnly: ${JSON.stringify(tags)} })`);
  return found.violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html }) => `${id}: ${help}: ${html.slice(0, 200)}`),
  );
}

/** Files from outside, let go over the page. */
export async function dropFiles(
  page: Page,
  files: readonly { readonly name: string; readonly bytes: Uint8Array }[],
): Promise<void> {
  const encoded = files.map(({ name, bytes }) => ({ name, text: Buffer.from(bytes).toString("base64") }));
  const dataTransfer = await page.evaluateHandle(`(() => {
    const transfer = new DataTransfer();
    for (const { name, text } of ${JSON.stringify(encoded)}) {
      transfer.items.add(new File([Uint8Array.from(atob(text), (each) => each.charCodeAt(0))], name));
    }
    return transfer;
  })()`);
  for (const event of ["dragenter", "dragover", "drop"]) await page.dispatchEvent("body", event, { dataTransfer });
}

/** Into the folder that ASHLAR_SCREENSHOTS names, for people to look at. */
export async function screenshot(page: Page, name: string): Promise<void> {
  const folder = process.env["ASHLAR_SCREENSHOTS"];
  if (folder === undefined) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}
