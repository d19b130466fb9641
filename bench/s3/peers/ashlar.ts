import { readFile } from "node:fs/promises";
import { startServerProcess } from "../../../src/testing/server-process.ts";
import type { PeerKind } from "../peer.ts";

const PACKAGE = new URL("../../../package.json", import.meta.url);

/** As `npm start` runs it, with a data folder on the disk. */
export const ASHLAR: PeerKind = {
  name: "Ashlar",
  async start() {
    const { version } = JSON.parse(await readFile(PACKAGE, "utf8"));
    const server = await startServerProcess();
    return {
      ...{ version, durability: "fdatasync before every answer (group commit)" },
      ...{ url: server.s3, accessKey: server.accessKey, secretKey: server.secretKey, pids: [server.process.pid!] },
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  },
};
