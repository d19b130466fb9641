import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Disk } from "../env/index.ts";
import { SimDisk } from "../env/sim/index.ts";
import { Log } from "../log/index.ts";
import { Prng } from "../std/prng.ts";
import { type Identity, openIdentity } from "./identity.ts";
import { resolveServerOptions } from "./start.ts";

const prng = new Prng(1);
const random = { bytes: (length: number) => prng.bytes(length), u32: () => prng.u32() };
const open = (disk: Disk): Promise<Identity> => openIdentity(disk, random, resolveServerOptions([]));

async function writeLog(disk: Disk): Promise<void> {
  await using _ = await Log.open({ disk, random }, { options: { segmentBytes: 65_536 }, onFatal: () => {} });
}

describe("who a node is", () => {
  test("is made once, also by a first start that broke off", async () => {
    const disk = new SimDisk().mount();
    const first = await open(disk);
    assert.deepEqual(await open(disk), first);
    await disk.remove("seal-key.json");
    const second = await open(disk);
    assert.deepEqual([second.nodeId, second.root], [first.nodeId, first.root]);
    assert.notDeepEqual(second.sealKey, first.sealKey);
  });

  test("is not made anew over data that was sealed with a key that is lost", async () => {
    const disk = new SimDisk().mount();
    const { sealKey } = await open(disk);
    await writeLog(disk);
    for (const name of ["format.json", "seal-key.json"]) {
      await disk.rename(name, "elsewhere");
      await assert.rejects(open(disk), { code: "DATA_FILE_DAMAGED", data: { name } });
      assert.ok(!(await disk.list("")).includes(name));
      await disk.rename("elsewhere", name);
    }
    assert.deepEqual((await open(disk)).sealKey, sealKey);
  });

  test("a root key that was removed is replaced: nothing depends on it", async () => {
    const disk = new SimDisk().mount();
    const { root, nodeId } = await open(disk);
    await writeLog(disk);
    await disk.remove("root-key.json");
    const after = await open(disk);
    assert.equal(after.nodeId, nodeId);
    assert.notEqual(after.root.secretKey, root.secretKey);
  });

  test("a root key that is given whole is the only one, and half a key is refused before anything is written", async () => {
    const disk = new SimDisk().mount();
    const given = (values: Readonly<Record<string, unknown>>) =>
      openIdentity(disk, random, resolveServerOptions([{ label: "test", values }]));
    for (const half of [{ rootAccessKey: "operator" }, { rootSecretKey: "long enough" }]) {
      await assert.rejects(given(half), { code: "ROOT_KEY_INCOMPLETE" });
      await assert.rejects(given({ rootAccessKey: "operator", rootSecretKey: "short" }), { code: "ROOT_KEY_INVALID" });
      assert.deepEqual(await disk.list(""), []);
    }
    const { root, nodeId } = await given({ rootAccessKey: "operator", rootSecretKey: "long enough" });
    assert.deepEqual(root, { accessKey: "operator", secretKey: "long enough" });
    assert.deepEqual(await disk.list(""), ["format.json", "seal-key.json"]);
    const own = await open(disk);
    assert.deepEqual([own.nodeId, own.root.accessKey.length], [nodeId, 20], "without one the node makes its own");
  });

  test("a file that can not be read is refused by name, and left as it is", async () => {
    for (const name of ["format.json", "root-key.json", "seal-key.json"]) {
      const disk = new SimDisk().mount();
      await open(disk);
      const file = await disk.open(name, "write");
      await file.setLength(5);
      await file.close();
      await assert.rejects(open(disk), { code: "DATA_FILE_DAMAGED", data: { name } });
    }
  });
});
