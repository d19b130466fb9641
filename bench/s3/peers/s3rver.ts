import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { answers, freePort, launch, NotRun, type PeerKind } from "../peer.ts";

const FOLDER = fileURLToPath(new URL("../../node_modules/s3rver/", import.meta.url));

export const S3RVER: PeerKind = {
  name: "s3rver",
  async start(folder) {
    if (!existsSync(FOLDER)) throw new NotRun("its npm package is not installed");
    const { version } = JSON.parse(readFileSync(`${FOLDER}package.json`, "utf8"));
    const port = await freePort();
    const args = [`${FOLDER}bin/s3rver.js`, "-d", folder, "-a", "127.0.0.1", "-p", String(port), "--silent"];
    const child = launch(process.execPath, args, folder);
    await answers(`http://127.0.0.1:${port}/`, child);
    const durability = "none: files are written without a sync";
    return { version, durability, host: "127.0.0.1", port, accessKey: "S3RVER", secretKey: "S3RVER", process: child };
  },
};
