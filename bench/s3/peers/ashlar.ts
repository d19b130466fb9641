import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { NotRun, type PeerKind } from "../peer.ts";

const LAUNCHER = fileURLToPath(new URL("../../../bin/ashlar.js", import.meta.url));
const PACKAGE = new URL("../../../package.json", import.meta.url);

/** As `npm start` runs it, on a data folder on the disk. */
export const ASHLAR: PeerKind = {
  name: "Ashlar",
  async start(folder) {
    const { version } = JSON.parse(await readFile(PACKAGE, "utf8"));
    const listen = ["--s3-listen", "127.0.0.1:0", "--api-listen", "127.0.0.1:0", "--print-json"];
    const child = spawn(process.execPath, [LAUNCHER, "serve", "--data-dir", folder, ...listen], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [line] = await Promise.race([
      once(createInterface({ input: child.stdout }), "line"),
      once(child, "exit").then(([code]) => Promise.reject(new NotRun(`it ended at its start with code ${code}`))),
    ]);
    const { hostname, port } = new URL(JSON.parse(line).s3);
    const { accessKey, secretKey } = JSON.parse(await readFile(join(folder, "root-key.json"), "utf8"));
    const durability = "fdatasync before every answer (group commit)";
    return { version, durability, host: hostname, port: Number(port), accessKey, secretKey, process: child };
  },
};
