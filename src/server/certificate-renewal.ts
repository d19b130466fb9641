import { CERTIFICATE_DAYS, certificateEnd, createNodeKey } from "../env/certificates.ts";
import type { Env, Timer } from "../env/index.ts";
import { CLUSTER_FILES } from "./cluster-file.ts";
import type { Logger } from "./logger.ts";
import { readSmallFile, writeSmallFile } from "./small-file.ts";

const LOOK_MILLIS = 60 * 60 * 1000;
const RENEW_MILLIS = (CERTIFICATE_DAYS * 24 * 60 * 60 * 1000) / 3;

export interface RenewalParts {
  readonly env: Pick<Env, "disk" | "clock" | "timers">;
  /** A certificate for this key; undefined where the cluster has no authority. */
  readonly certify: (publicKey: Uint8Array<ArrayBuffer>) => Promise<string | undefined>;
  readonly logger: Logger;
}

/** Gives this node another key and certificate before the one that it has ends. Listeners take new files into use. */
export class CertificateRenewal implements Disposable {
  readonly #parts: RenewalParts;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(parts: RenewalParts) {
    this.#parts = parts;
    this.#plan(0);
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  /** Now. False where nodes speak without TLS. */
  async renew(): Promise<boolean> {
    const { env, certify, logger } = this.#parts;
    if ((await readSmallFile(env.disk, CLUSTER_FILES.certificate)) === undefined) return false;
    const { privateKey, publicKey } = await createNodeKey();
    const certificate = await certify(publicKey);
    if (certificate === undefined) return false;
    // Between the two writes they do not fit together: whoever reads them then goes on with what it has.
    await writeSmallFile(env.disk, CLUSTER_FILES.key, privateKey);
    await writeSmallFile(env.disk, CLUSTER_FILES.certificate, certificate);
    logger.info("cluster.certificate-renewed", { ends: new Date(certificateEnd(certificate)).toISOString() });
    return true;
  }

  #plan(delayMillis: number): void {
    if (this.#isClosed) return;
    this.#timer = this.#parts.env.timers.after(delayMillis, () => {
      this.#look()
        .catch((error: unknown) => this.#parts.logger.error("cluster.certificate", error))
        .finally(() => this.#plan(LOOK_MILLIS));
    });
  }

  async #look(): Promise<void> {
    const { disk, clock } = this.#parts.env;
    const certificate = await readSmallFile(disk, CLUSTER_FILES.certificate);
    if (certificate === undefined || certificateEnd(certificate) - clock.now() > RENEW_MILLIS) return;
    await this.renew();
  }
}
