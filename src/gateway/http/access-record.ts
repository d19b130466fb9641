/** What one request came to, for the access log, the metrics and the console's events. */
export interface AccessRecord {
  readonly gateway: string;
  readonly requestId: string;
  readonly startedMillis: number;
  readonly durationMillis: number;
  readonly remoteAddress: string;
  readonly method: string;
  /** As sent, without the values that grant access. */
  readonly target: string;
  readonly userAgent: string | undefined;
  readonly operation: string | undefined;
  /** Undefined for an anonymous request, and for one that failed to say who it is. */
  readonly principal: string | undefined;
  /** 0 where the client left before there was an answer. */
  readonly status: number;
  readonly errorCode: string | undefined;
  readonly bytesReceived: number;
  /** Of the body, as announced. */
  readonly bytesSent: number;
  /** False where the reply broke off: the client left, or the body's source failed. */
  readonly complete: boolean;
}

/** Who counts, logs and times requests. Called on the hot path: it takes note and returns. */
export interface HttpObserver {
  started(): void;
  finished(record: AccessRecord): void;
  /** An error that no layer declares: a bug, with the request that met it. */
  unexpected(error: unknown, requestId: string): void;
}

export const SILENT_OBSERVER: HttpObserver = { started() {}, finished() {}, unexpected() {} };

const SECRETS = /([?&](?:X-Amz-Signature|X-Amz-Security-Token|Signature|x-amz-security-token)=)[^&]*/g;

/**
 * The target with signatures and session tokens masked: whoever reads the log must not be able to repeat the request.
 */
export function maskTarget(target: string): string {
  return target.includes("ignature=") || target.includes("oken=") ? target.replace(SECRETS, "$1***") : target;
}

export function joinObservers(first: HttpObserver, second: HttpObserver): HttpObserver {
  return {
    started() {
      first.started();
      second.started();
    },
    finished(record) {
      first.finished(record);
      second.finished(record);
    },
    unexpected(error, requestId) {
      first.unexpected(error, requestId);
      second.unexpected(error, requestId);
    },
  };
}
