import { mkdirSync, writeFileSync } from "node:fs";
import { allCommands } from "../src/cli/commands/index.ts";
import { cliManual } from "../src/cli/manual.ts";

// Writes docs/operations/cli.md from the commands' table.

const folder = new URL("../docs/operations/", import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(new URL("cli.md", folder), cliManual(await allCommands()));
