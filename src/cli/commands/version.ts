import { readFileSync } from "node:fs";
import { type Command, localCommand } from "../command.ts";

export const VERSION_COMMANDS: readonly Command[] = [
  localCommand({
    words: "version",
    summary: "Prints the version",
    async run({ output }) {
      const manifest = readFileSync(new URL("../../../package.json", import.meta.url), "utf8");
      const { version } = JSON.parse(manifest) as { version: string };
      output.result({ version, node: process.versions.node, platform: process.platform }, () => version);
      return undefined;
    },
  }),
];
