import type { Logger } from "./logger.ts";

/** The first failure that the node can not go on after. */
export class Fatal {
  error: Error | undefined;
  readonly #logger: Logger;
  readonly #stop: (error: Error) => void;

  constructor(logger: Logger, stop: (error: Error) => void) {
    this.#logger = logger;
    this.#stop = stop;
  }

  tell(error: Error): void {
    if (this.error !== undefined) return;
    this.error = error;
    this.#logger.error("node.fatal", error);
    this.#stop(error);
  }
}
