import type { AccessRecord, HttpObserver } from "../gateway/http/index.ts";
import type { Logger } from "./logger.ts";

/** Errors that no layer declares are always logged; each request only where the operator asked for an access log. */
export class RequestLog implements HttpObserver {
  readonly #logger: Logger;
  readonly #everyRequest: boolean;

  constructor(logger: Logger, everyRequest: boolean) {
    this.#logger = logger;
    this.#everyRequest = everyRequest;
  }

  started(): void {}

  finished(record: AccessRecord): void {
    if (this.#everyRequest) this.#logger.info("request", { ...record });
  }

  unexpected(error: unknown, requestId: string): void {
    this.#logger.error("request.unexpected", error, { requestId });
  }
}
