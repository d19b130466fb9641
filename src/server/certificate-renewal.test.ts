import { equal, notEqual, ok } from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { describe, test } from "node:test";
import { createAuthority, createNodeKey, issueCertificate } from "../env/certificates.ts";
import { SimDisk } from "../env/sim/index.ts";
import { CertificateRenewal } from "./certificate-renewal.ts";
import { CLUSTER_FILES, CLUSTER_FOLDER } from "./cluster-file.ts";
import { Logger } from "./logger.ts";
import { readSmallFile, writeSmallFile } from "./small-file.ts";

const DAY = 86_400_000;
const ISSUED = Date.UTC(2026, 0, 1);

/** A node with a certificate of a year, and a clock and timers that the test moves. */
async function nodeWithCertificate() {
  const clock = { millis: ISSUED };
  const disk = new SimDisk().mount();
  const authority = await createAuthority("ashlar test", ISSUED);
  const key = await createNodeKey();
  const { certificate } = await issueCertificate(authority, key.publicKey, ["node-1"], ISSUED);
  await disk.makeDirectory(CLUSTER_FOLDER);
  await writeSmallFile(disk, CLUSTER_FILES.certificate, certificate);
  await writeSmallFile(disk, CLUSTER_FILES.key, key.privateKey);
  let planned = Promise.withResolvers<() => void>();
  let mayCertify = true;
  const renewal = new CertificateRenewal({
    env: {
      disk,
      clock: { now: () => clock.millis, monotonic: () => clock.millis },
      timers: {
        after(_: number, run: () => void) {
          planned.resolve(run);
          return { cancel() {} };
        },
        endOfTurn: (run: () => void) => void setImmediate(run),
      },
    },
    certify: async (publicKey) => {
      if (!mayCertify) throw new Error("there is no leader");
      return (await issueCertificate(authority, publicKey, ["node-1"], clock.millis)).certificate;
    },
    logger: new Logger({ now: () => clock.millis, monotonic: () => clock.millis }, "text", () => {}),
  });
  /** One look, until the next one is planned. */
  const look = async (): Promise<void> => {
    const run = await planned.promise;
    planned = Promise.withResolvers();
    run();
    await planned.promise;
  };
  const stored = async () => ({
    certificate: (await readSmallFile(disk, CLUSTER_FILES.certificate))!,
    key: (await readSmallFile(disk, CLUSTER_FILES.key))!,
  });
  return { clock, renewal, look, stored, refuse: (refuses: boolean) => void (mayCertify = !refuses) };
}

describe("the certificate of a node", () => {
  test("is renewed by itself, with another key, when a third of its time is left, and not before", async () => {
    const { clock, renewal, look, stored } = await nodeWithCertificate();
    const before = await stored();
    clock.millis = ISSUED + 240 * DAY;
    await look();
    equal((await stored()).certificate, before.certificate);
    clock.millis = ISSUED + 250 * DAY;
    await look();
    const after = await stored();
    notEqual(after.key, before.key);
    const certificate = new X509Certificate(after.certificate);
    ok(certificate.checkPrivateKey(createPrivateKey(after.key)));
    ok(certificate.validToDate.getTime() > clock.millis + 360 * DAY);
    renewal[Symbol.dispose]();
  });

  test("stays in use where it could not be renewed, and is tried again", async () => {
    const { clock, renewal, look, stored, refuse } = await nodeWithCertificate();
    const before = await stored();
    clock.millis = ISSUED + 300 * DAY;
    refuse(true);
    await look();
    equal((await stored()).certificate, before.certificate);
    equal((await stored()).key, before.key);
    refuse(false);
    await look();
    notEqual((await stored()).certificate, before.certificate);
    renewal[Symbol.dispose]();
  });
});
