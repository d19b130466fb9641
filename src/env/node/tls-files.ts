import { readFile, stat } from "node:fs/promises";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { envFailure } from "../errors.ts";

const POLL_MILLIS = 10_000;

export interface TlsFiles {
  /** With its key, or neither: a client may show nothing. */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** The authorities that the other side's certificate must come from, where it has to have one. */
  readonly caFile?: string | undefined;
}

/** The certificate chain and its key, proven to belong together. */
export async function loadTls(files: TlsFiles): Promise<SecureContextOptions> {
  try {
    const { certFile, keyFile, caFile } = files;
    const [cert, key, ca] = await Promise.all([certFile, keyFile, caFile].map((name) => name && readFile(name)));
    const options: SecureContextOptions = { ...(cert && { cert }), ...(key && { key }), ...(ca && { ca }) };
    createSecureContext(options);
    return options;
  } catch (cause) {
    throw envFailure("TLS_INVALID", {
      what: `${whatOf(files)} can not be used.`,
      data: { ...files },
      cause,
    });
  }
}

/**
 * Calls back with the new pair when the files have changed. Their times are polled: certificates are usually replaced
 * by renames and links, which watches on files miss. A pair that does not fit, as in the moment between its two
 * renames, waits for the next poll.
 */
export class TlsWatch {
  readonly #files: TlsFiles;
  readonly #changed: (options: SecureContextOptions) => void;
  readonly #timer: NodeJS.Timeout;
  #version: string;
  #isChecking = false;

  constructor(files: TlsFiles, version: string, changed: (options: SecureContextOptions) => void) {
    this.#files = files;
    this.#version = version;
    this.#changed = changed;
    this.#timer = setInterval(() => void this.check(), POLL_MILLIS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async check(): Promise<void> {
    if (this.#isChecking) return;
    this.#isChecking = true;
    try {
      const version = await versionOf(this.#files);
      if (version === this.#version) return;
      this.#changed(await loadTls(this.#files));
      this.#version = version;
    } catch {
      // The old pair stays in use.
    } finally {
      this.#isChecking = false;
    }
  }
}

/** Changes whenever one of the files does; empty where one is missing. */
export async function versionOf(files: TlsFiles): Promise<string> {
  const found = await Promise.all(namesOf(files).map((name) => stat(name))).catch(() => []);
  return found.map(({ ino, mtimeMs, size }) => `${ino} ${mtimeMs} ${size}`).join(" ");
}

function namesOf({ certFile, keyFile, caFile }: TlsFiles): string[] {
  return [certFile, keyFile, caFile].filter((name) => name !== undefined);
}

function whatOf({ certFile, keyFile, caFile }: TlsFiles): string {
  const parts = [
    certFile !== undefined && `the certificate "${certFile}"`,
    keyFile !== undefined && `the key "${keyFile}"`,
    caFile !== undefined && `the authorities "${caFile}"`,
  ].filter((part) => part !== false);
  const text = new Intl.ListFormat("en-GB").format(parts);
  return text.charAt(0).toUpperCase() + text.slice(1);
}
