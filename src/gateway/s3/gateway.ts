import type { Clock, Compute, Exchange, Random, Timers } from "../../env/index.ts";
import type { Objects } from "../../service/objects/index.ts";
import { assert } from "../../std/assert.ts";
import { AshlarError } from "../../std/errors.ts";
import { createShell, type HttpCall, type HttpObserver, TrustedProxies } from "../http/index.ts";
import { type Address, addressOf } from "./address.ts";
import { type AccessPort, anonymousCaller, authenticate, type Caller, type Signing } from "./authenticate.ts";
import { addCors } from "./cors.ts";
import { DocumentCache } from "./documents.ts";
import { toS3Error } from "./error-map.ts";
import { type ErrorPlace, errorDocument, errorReply } from "./error-reply.ts";
import { notImplemented, s3Failure } from "./errors.ts";
import { FormMemory } from "./form-memory.ts";
import { HANDLERS } from "./handlers.ts";
import { hideMissing } from "./hide-missing.ts";
import { KeepAliveBody } from "./keep-alive.ts";
import { contextOf, needsOf } from "./needs.ts";
import { type ActName, FEATURES, type Operation, type ServedName } from "./operations/index.ts";
import type { Ports } from "./operator.ts";
import type { S3Options } from "./options.ts";
import { checkOwner } from "./owner-check.ts";
import { Permissions } from "./permissions.ts";
import { refuseUnbuiltHeaders } from "./refused-headers.ts";
import { hoistHeaders, type S3Reply, type S3Request } from "./request.ts";
import { routeOf } from "./routing.ts";

/** What an administrator has done to a bucket. */
export interface S3Act {
  readonly operation: ActName;
  readonly bucket: string;
  /** Undefined where the bucket's policy lets anybody do it. */
  readonly principal: string | undefined;
  readonly address: string;
  readonly requestId: string;
}

export interface S3GatewayParts {
  readonly env: {
    readonly clock: Clock;
    readonly timers: Timers;
    readonly random: Random;
    readonly compute: Compute;
  };
  readonly objects: Objects;
  readonly access: AccessPort;
  readonly signing: Signing;
  readonly options: S3Options;
  readonly observer?: HttpObserver;
  /** Called with each act, before it is answered. Takes note and returns. */
  readonly onAct?: (act: S3Act) => void;
}

/**
 * The S3 front. Of a request: where it goes (address, route), who sends it (authenticate), whether it may (needs), and
 * only then its body, its work and its answer.
 */
export function createS3Gateway(parts: S3GatewayParts): (exchange: Exchange) => void {
  const gateway = new Gateway(parts);
  const { options, env, observer } = parts;
  const trustedProxies = TrustedProxies.parse(options.trustedProxies);
  if ("invalid" in trustedProxies) {
    throw s3Failure("InvalidArgument", {
      what: `The trusted proxy ${trustedProxies.invalid} is neither an address nor a network.`,
      data: { option: "trustedProxies" },
    });
  }
  return createShell(
    {
      name: "s3",
      clock: env.clock,
      random: env.random,
      trustedProxies,
      observer,
      pace: { graceMillis: options.bodyGraceMillis, bytesPerSecondMin: options.bodyRateMin },
      requestsMax: options.requestsMax,
    },
    gateway,
  );
}

class Gateway {
  readonly #parts: S3GatewayParts;
  readonly #domains: readonly string[];
  readonly #documents: DocumentCache;
  readonly #formMemory: FormMemory;

  constructor(parts: S3GatewayParts) {
    this.#parts = parts;
    const domains = parts.options.domains.map((domain) => domain.toLowerCase());
    this.#domains = domains.sort((left, right) => right.length - left.length);
    this.#documents = new DocumentCache(parts.objects);
    this.#formMemory = new FormMemory(parts.options.formMemoryBytesMax);
  }

  async answer(call: HttpCall): Promise<void> {
    const { headers, exchange } = call;
    const address = addressOf(exchange.target, call.origin.host, this.#domains);
    const hoisted = hoistHeaders(address.query, headers);
    const operation = routeOf(exchange.method, address.level, address.query, headers);
    call.operation = operation.name;
    const caller = await this.#callerOf(call, address, operation);
    call.principal = caller.anonymous ? undefined : caller.owner;
    if (operation.notBuilt !== undefined) {
      throw notImplemented(FEATURES[operation.notBuilt].replaceAll("`", "'"), { Operation: operation.name });
    }
    refuseUnbuiltHeaders(headers);
    const { bucket, key, query } = address;
    const input: S3Request = { call, operation, address, bucket, key, query, headers, hoisted, caller };
    const ports = this.#portsOf(input);
    const needs = needsOf(input);
    for (const need of needs) await ports.permissions.require(need);
    await checkOwner(input, ports);
    const reply = await this.#run(operation.name as ServedName, input, ports);
    if (operation.act === true && reply.changedNothing !== true) this.#reportAct(operation.name as ActName, input);
    if (reply.rest === undefined) await this.#send(call, address, reply);
    else await this.#sendBegun(call, address, reply, reply.rest);
  }

  async refuse(call: HttpCall, error: unknown): Promise<void> {
    const told = toS3Error(call.body.failure ?? error);
    call.errorCode = told.code;
    const address = this.#addressForError(call);
    await this.#send(call, address, errorReply(told, placeOf(call, address)));
  }

  /** Keeps the client waiting until the rest is there. The work is seen to its end, whether the client waits or not. */
  async #sendBegun(call: HttpCall, address: Address, reply: S3Reply, rest: Promise<S3Reply>): Promise<void> {
    const document = this.#documentOf(rest, call, address);
    const body = new KeepAliveBody(this.#parts.env.timers, document);
    try {
      await this.#send(call, address, { ...reply, body });
    } finally {
      await document;
      call.bytesSent = body.bytesRead;
    }
  }

  /** What the work ended with; never rejects. */
  async #documentOf(rest: Promise<S3Reply>, call: HttpCall, address: Address): Promise<Uint8Array> {
    try {
      const { body } = await rest;
      assert(body instanceof Uint8Array, "what ends an answer that has begun is a document");
      return body;
    } catch (error) {
      if (!(error instanceof AshlarError)) this.#parts.observer?.unexpected(error, call.requestId);
      const told = toS3Error(error);
      call.errorCode = told.code;
      return errorDocument(told, placeOf(call, address));
    }
  }

  async #run(name: ServedName, input: S3Request, ports: Ports): Promise<S3Reply> {
    try {
      return await HANDLERS[name](input, ports);
    } catch (error) {
      throw await hideMissing(error, input, ports);
    }
  }

  #reportAct(operation: ActName, { bucket, call }: S3Request): void {
    const { principal, origin, requestId } = call;
    this.#parts.onAct?.({ operation, bucket, principal, address: origin.address, requestId });
  }

  /** A browser's preflight carries no credential, and a form carries it in the body. */
  #callerOf(call: HttpCall, address: Address, operation: Operation): Caller | Promise<Caller> {
    if (operation.method === "OPTIONS") return anonymousCaller({ kind: "undeclared" });
    const { access, signing, env, options } = this.#parts;
    return authenticate(call, address, { access, signing, clock: env.clock, legacyV2: options.allowV2 });
  }

  #portsOf(input: S3Request): Ports {
    const { objects, access, env, options, signing } = this.#parts;
    const documents = this.#documents;
    const permissionsOf = (of: S3Request): Permissions =>
      new Permissions({ access, objects, documents }, of.caller, () => contextOf(of, env.clock));
    return {
      objects,
      access,
      clock: env.clock,
      timers: env.timers,
      compute: env.compute,
      options,
      documents,
      signing,
      permissions: permissionsOf(input),
      permissionsOf,
      formMemory: this.#formMemory,
    };
  }

  async #send(call: HttpCall, address: Address | undefined, reply: S3Reply): Promise<void> {
    const { headers, status, body, bodyBytes } = reply;
    headers.push("x-amz-request-id", call.requestId, "x-amz-id-2", call.hostId, "Server", "Ashlar");
    const origin = call.headers.get("origin");
    if (origin !== undefined && address !== undefined && address.bucket !== "" && call.exchange.method !== "OPTIONS") {
      await addCors(headers, this.#documents, {
        bucket: address.bucket,
        origin,
        method: call.exchange.method,
        headers: [],
      });
    }
    await call.reply(status, headers, body, bodyBytes);
  }

  #addressForError(call: HttpCall): Address | undefined {
    try {
      return addressOf(call.exchange.target, call.origin.host, this.#domains);
    } catch {
      return undefined;
    }
  }
}

function placeOf({ exchange, requestId, hostId }: HttpCall, address: Address | undefined): ErrorPlace {
  const { method, target } = exchange;
  const resource = target.split("?", 1)[0]!.slice(0, 2048);
  return { method, resource, requestId, hostId, bucket: address?.bucket, key: address?.key };
}
