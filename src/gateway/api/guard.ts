import { type SigningKeys, timingSafeEqual } from "../../codec/sigv4/index.ts";
import type { Clock } from "../../env/index.ts";
import { type Access, CLUSTER_ARN } from "../../service/access/index.ts";
import type { Objects } from "../../service/objects/index.ts";
import { EMPTY, fromBase64, text, toHex, utf8 } from "../../std/bytes.ts";
import type { HttpCall } from "../http/index.ts";
import { authenticate, type BodyForm, type Proof, requireSignedBody } from "./authenticate.ts";
import { apiFailure } from "./errors.ts";
import { JSON_BYTES_MAX, readBody } from "./input.ts";
import { Permissions } from "./permissions.ts";
import { contextOf } from "./request-context.ts";

export interface Known extends Proof {
  readonly permissions: Permissions;
}

export interface GuardParts {
  readonly access: Access;
  readonly objects: Objects;
  readonly keys: SigningKeys;
  readonly clock: Clock;
}

/** Who a caller is and what it may do. */
export class Guard {
  readonly #parts: GuardParts;

  constructor(parts: GuardParts) {
    this.#parts = parts;
  }

  /** Rejects as `authenticate`. */
  async identify(call: HttpCall, form: BodyForm): Promise<Known> {
    return this.#known(call, await authenticate(call, form, this.#parts));
  }

  /** The request's JSON, once its caller is known to be allowed to send it. */
  async signedBody(call: HttpCall, { caller, body }: Known, bytesMax: number = JSON_BYTES_MAX): Promise<Uint8Array> {
    const bytes = body ?? (await readBody(call, bytesMax));
    requireSignedBody(caller, bytes, this.#parts.keys);
    return bytes;
  }

  /** As `identify`, also by HTTP Basic: Prometheus can not sign what it asks. */
  async identifyMonitor(call: HttpCall): Promise<Known> {
    const basic = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(call.headers.get("authorization") ?? "");
    if (basic === null) return this.identify(call, "json");
    const [accessKeyId, secret] = splitPair(text(fromBase64(basic[1]!) ?? EMPTY));
    const credential = await this.#parts.access.findCredential(accessKeyId);
    const isRight = credential.found && timingSafeEqual(this.#hashOf(secret), this.#hashOf(credential.secret));
    if (!isRight || credential.principal.type === "anonymous") {
      throw apiFailure("CREDENTIAL_REFUSED", { data: { accessKeyId: accessKeyId.slice(0, 128) } });
    }
    const { principal } = credential;
    const payload = { kind: "unsigned", value: "UNSIGNED-PAYLOAD" } as const;
    return this.#known(call, {
      caller: { principal, session: undefined, region: undefined, payload },
      body: undefined,
    });
  }

  /** Rejects with ACCESS_DENIED. */
  async requireMetrics(call: HttpCall): Promise<void> {
    const { permissions } = await this.identifyMonitor(call);
    await permissions.require({ action: "ashlar:GetMetrics", resource: CLUSTER_ARN });
  }

  /** Of secrets that are compared: their lengths must not show. */
  #hashOf(secret: string): string {
    return toHex(this.#parts.keys.sha256.hash(utf8(secret)));
  }

  #known(call: HttpCall, { caller, body }: Proof): Known {
    call.principal = caller.principal.name;
    const { access, objects } = this.#parts;
    return { caller, body, permissions: new Permissions(access, objects, caller, contextOf(call, caller)) };
  }
}

function splitPair(pair: string): [string, string] {
  const colon = pair.indexOf(":");
  return colon === -1 ? [pair, ""] : [pair.slice(0, colon), pair.slice(colon + 1)];
}
