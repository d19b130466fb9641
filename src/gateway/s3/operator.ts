import type { Clock, Compute, Timers } from "../../env/index.ts";
import type { Objects } from "../../service/objects/index.ts";
import type { AccessPort, Signing } from "./authenticate.ts";
import type { DocumentCache } from "./documents.ts";
import type { FormMemory } from "./form-memory.ts";
import { begunInTime } from "./keep-alive.ts";
import type { S3Options } from "./options.ts";
import type { Permissions } from "./permissions.ts";
import type { S3Reply, S3Request } from "./request.ts";

/** What handlers call. */
export interface Ports {
  readonly objects: Objects;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly compute: Compute;
  readonly options: S3Options;
  readonly documents: DocumentCache;
  readonly signing: Signing;
  readonly access: AccessPort;
  readonly formMemory: FormMemory;
  /** Of this request's caller. */
  readonly permissions: Permissions;
  /** Of another caller than the head of the request has: a form names its own. */
  permissionsOf(input: S3Request): Permissions;
}

/**
 * The three functions of an operation. `parse` reads what the request asks for (the body too, which is why the caller
 * has been authorized before), `handle` calls the services, `encode` writes what they answered.
 */
export interface OperatorParts<Request, Result> {
  parse(request: S3Request, ports: Ports): Request | Promise<Request>;
  handle(request: Request, ports: Ports): Promise<Result>;
  encode(result: Result, request: Request, input: S3Request, ports: Ports): S3Reply;
  /** `handle` may take minutes: the answer, which is XML, begins before it is done. */
  readonly isLong?: true;
}

export type Operator = (input: S3Request, ports: Ports) => Promise<S3Reply>;

export function operator<Request, Result>(parts: OperatorParts<Request, Result>): Operator {
  return async (input, ports) => {
    const request = await parts.parse(input, ports);
    const work = async (): Promise<S3Reply> => parts.encode(await parts.handle(request, ports), request, input, ports);
    return parts.isLong ? begunInTime(ports.timers, work()) : work();
  };
}

/** An answer without a body. */
export function emptyReply(status: 200 | 204, headers: string[] = []): S3Reply {
  if (status === 200) headers.push("Content-Length", "0");
  return { status, headers };
}
