import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

const START_MILLIS_MAX = 60_000;
const POLL_MILLIS = 50;

/** The process of a real server that tests start, kill, and start again over the same data. */
export class EngineChild {
  readonly #name: string;
  #child: ChildProcess | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  /** Undefined while none runs. */
  get pid(): number | undefined {
    return this.#child?.exitCode === null ? this.#child.pid : undefined;
  }

  /** Resolves once it is ready. */
  async run(
    command: string,
    args: readonly string[],
    isReady: () => boolean | Promise<boolean>,
    options: SpawnOptions = {},
  ): Promise<void> {
    const child = spawn(command, args, { ...options, stdio: "ignore" });
    this.#child = child;
    const deadline = Date.now() + START_MILLIS_MAX;
    while (!(await isReady())) {
      if (child.exitCode !== null || Date.now() > deadline) throw new Error(`${this.#name} did not start`);
      await sleep(POLL_MILLIS);
    }
  }

  signal(name: "SIGSTOP" | "SIGCONT"): void {
    this.#child?.kill(name);
  }

  /** SIGKILL, and waits until it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }
}
