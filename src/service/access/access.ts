// The access service: who may do what. It holds users, access keys, policies and sessions, finds the principal behind a
// signature or a session, and decides on requests.
//
// The root key is of the composition, not of the Store: it works on an empty and on a broken one. All that decides on a
// request is in memory, kept right by watches (row-cache.ts), so that `credential` and `authorize` answer at once.

import type { Clock, Env, Timer } from "../../env/index.ts";
import { toHex, utf8 } from "../../std/bytes.ts";
import { AshlarError } from "../../std/errors.ts";
import { type Store, TABLES } from "../../store/index.ts";
import { policyOrDeny } from "./canned-policies.ts";
import { type CredentialResult, Credentials, type OpenKey } from "./credentials.ts";
import { accessFailure } from "./errors.ts";
import { Keys, openKey } from "./keys.ts";
import { ACCESS_LIMITS } from "./limits.ts";
import { LoginLimiter, type LoginLimits } from "./login-limiter.ts";
import { equalSecrets, ROOT_NAME } from "./names.ts";
import { Policies } from "./policies.ts";
import type { Action } from "./policy/actions.ts";
import type { RequestContext } from "./policy/condition-keys.ts";
import { type Explanation, evaluate, explain, type PolicySet, ROOT_DECISION } from "./policy/evaluate.ts";
import type { Decision, Policy } from "./policy/policy.ts";
import type { PolicyRequest } from "./policy/request.ts";
import type { Principal, RootPrincipal } from "./principal.ts";
import { decodePolicy, decodeUser, type UserRecord } from "./records.ts";
import { RowCache } from "./row-cache.ts";
import type { Cipher, Sha256 } from "./secrets.ts";
import { decodeSession, type SessionRecord } from "./session-records.ts";
import { type NewSession, SESSION_LIMITS, type Session, type SessionLimits, Sessions } from "./sessions.ts";
import { type TemporaryCredentials, TokenSealer } from "./tokens.ts";
import { Usage } from "./usage.ts";
import { Users } from "./users.ts";

export interface AccessOptions {
  readonly store: Store;
  readonly env: Pick<Env, "clock" | "timers" | "random">;
  /** Already checked: it does not come from the Store. */
  readonly root: { readonly accessKey: string; readonly secretKey: string };
  /** Seals secrets at rest and session tokens. The same key on all nodes. */
  readonly cipher: Cipher;
  readonly sha256: Sha256;
  readonly sessionLimits?: SessionLimits;
  readonly loginLimits?: LoginLimits;
  /**
   * Asked before a user, a key or a policy is added; rejects where the disk has no room for them. Sessions and all that
   * takes rights away go on.
   */
  readonly checkSpace?: () => Promise<void>;
}

export interface AuthorizeRequest {
  readonly action: Action;
  /** From bucketArn, objectArn, ashlarArn, CLUSTER_ARN or ALL_BUCKETS_ARN. */
  readonly resource: string;
  readonly context?: RequestContext;
  /** Of the bucket that the resource lies in, from parseBucketPolicy. */
  readonly bucketPolicy?: Policy | undefined;
}

export interface IssueTemporary {
  /** 15 minutes to 7 days. */
  readonly durationMillis: number;
  /** The narrowing policy's document, at most 2 KiB. */
  readonly policy?: string;
}

export interface LoginRequest {
  readonly accessKeyId: string;
  readonly secret: string;
  readonly address: string;
  readonly userAgent: string;
}

export interface SignedIn {
  readonly session: Session;
  readonly principal: Principal;
}

/** Watches begin here; dispose to end them. */
export function openAccess(options: AccessOptions): Access {
  return new Access(options);
}

export class Access implements AsyncDisposable {
  readonly users: Users;
  readonly keys: Keys;
  readonly policies: Policies;
  readonly sessions: Sessions;
  readonly #clock: Clock;
  readonly #credentials: Credentials;
  readonly #tokens: TokenSealer;
  readonly #usage: Usage;
  readonly #limiter: LoginLimiter;
  readonly #stop: AbortController = new AbortController();
  readonly #watches: readonly Promise<void>[];
  readonly #timers: Env["timers"];
  #sweepTimer: Timer | undefined;
  #sweep: Promise<void> = Promise.resolve();

  constructor(options: AccessOptions) {
    const { store, env, cipher, sha256, root } = options;
    const { clock, timers, random } = env;
    const checkSpace = options.checkSpace ?? noLimit;
    const caches = openCaches(options);
    this.#clock = clock;
    this.#timers = timers;
    this.#usage = new Usage(store, clock, timers);
    this.#tokens = new TokenSealer(cipher, random);
    this.#limiter = new LoginLimiter(options.loginLimits);
    this.#credentials = new Credentials({
      clock,
      root: { secret: root.secretKey, principal: rootPrincipal(options) },
      keys: caches.keys,
      users: caches.users,
      policies: caches.policies,
      tokens: this.#tokens,
      usage: this.#usage,
    });
    this.policies = new Policies({ store, clock, checkSpace }, (name) => caches.policies.invalidate(name));
    this.users = new Users({ store, clock, random, checkSpace }, (name, keyIds) => {
      caches.users.invalidate(name);
      for (const id of keyIds) caches.keys.invalidate(id);
    });
    const changed = (id: string, user: string): void => {
      caches.keys.invalidate(id);
      caches.users.invalidate(user);
    };
    this.keys = new Keys({ store, clock, random, checkSpace, cipher, rootKeyId: root.accessKey, changed });
    const limits = options.sessionLimits ?? SESSION_LIMITS;
    this.sessions = new Sessions({ store, clock, random, sha256, cache: caches.sessions, limits });
    this.#watches = Object.values(caches).map((cache) => cache.watch(timers, this.#stop.signal));
    this.#sweepLater();
  }

  /**
   * The secret and the principal of an access key, from memory; undefined where they are not there: ask
   * `findCredential`. `sessionToken` belongs to temporary credentials only.
   */
  credential(accessKeyId: string, sessionToken?: string): CredentialResult | undefined {
    return this.#credentials.peek(accessKeyId, sessionToken);
  }

  /** As `credential`, with what is not in memory read from the Store. Rejects with BUSY and with the Store's errors. */
  async findCredential(accessKeyId: string, sessionToken?: string): Promise<CredentialResult> {
    return this.credential(accessKeyId, sessionToken) ?? this.#credentials.load(accessKeyId, sessionToken);
  }

  authorize(principal: Principal, request: AuthorizeRequest): Decision {
    if (principal.type === "root" && principal.sessions.length === 0) return ROOT_DECISION;
    return evaluate(policiesOf(principal, request), this.#requestOf(principal, request));
  }

  /** As `authorize`, with what each statement of each policy came to. */
  explain(principal: Principal, request: AuthorizeRequest): Explanation {
    return explain(policiesOf(principal, request), this.#requestOf(principal, request));
  }

  /** Throws CHAIN_REFUSED, EXPIRY_INVALID, POLICY_MALFORMED. */
  issueTemporary(principal: Principal, { durationMillis, policy }: IssueTemporary): TemporaryCredentials {
    if (principal.type === "anonymous" || principal.tokenIssuedMillis !== undefined)
      throw accessFailure("CHAIN_REFUSED");
    const { temporaryMillisMin, temporaryMillisMax } = ACCESS_LIMITS;
    if (
      !Number.isInteger(durationMillis) ||
      durationMillis < temporaryMillisMin ||
      durationMillis > temporaryMillisMax
    ) {
      throw accessFailure("EXPIRY_INVALID", { data: { durationMillis, temporaryMillisMin, temporaryMillisMax } });
    }
    const issuedMillis = this.#clock.now();
    return this.#tokens.issue({
      ownerId: principal.id,
      parentKeyId: principal.accessKeyId,
      issuedMillis,
      expiresMillis: issuedMillis + durationMillis,
      policyDocument: policy,
    });
  }

  /** Opens a session for who knows an access key's secret. Throws LOGIN_FAILED, LOGIN_DELAYED. */
  async login({ accessKeyId, secret, address, userAgent }: LoginRequest): Promise<NewSession> {
    const credential = await this.findCredential(accessKeyId);
    const principal = credential.found ? credential.principal : undefined;
    const user = principal === undefined || principal.type === "anonymous" ? undefined : principal;
    const attempt = { user: user?.name, address, nowMillis: this.#clock.monotonic() };
    // From here to the count of a failure nothing waits: attempts made at once are counted one by one.
    const retryAfterMillis = this.#limiter.delayMillis(attempt);
    if (retryAfterMillis > 0) {
      const advice = `Wait ${Math.ceil(retryAfterMillis / 1000)} s before the next attempt.`;
      throw accessFailure("LOGIN_DELAYED", { advice, data: { retryAfterMillis } });
    }
    if (!credential.found || user === undefined || !equalSecrets(secret, credential.secret)) {
      this.#limiter.failed(attempt);
      throw accessFailure("LOGIN_FAILED");
    }
    this.#limiter.succeeded(user.name);
    return this.sessions.create({ owner: user.name, ownerId: user.id, accessKeyId, address, userAgent });
  }

  /** The session of a token and its principal; undefined where it has ended, or the key that opened it has. */
  async signedIn(token: string): Promise<SignedIn | undefined> {
    const session = await this.sessions.find(token);
    if (session === undefined) return undefined;
    const credential = await this.findCredential(session.accessKeyId);
    if (!credential.found || credential.principal.type === "anonymous") return undefined;
    return credential.principal.id === session.ownerId ? { session, principal: credential.principal } : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#sweepTimer?.cancel();
    await Promise.all([...this.#watches, this.#sweep, this.#usage.flush()]);
  }

  #requestOf(principal: Principal, request: AuthorizeRequest): PolicyRequest {
    const { action, resource, context = {} } = request;
    return { principal, action, resource, context, nowMillis: this.#clock.now() };
  }

  #sweepLater(): void {
    this.#sweepTimer = this.#timers.after(ACCESS_LIMITS.sessionSweepMillis, () => {
      this.#sweep = this.#sweepNow();
    });
  }

  async #sweepNow(): Promise<void> {
    try {
      await this.sessions.sweep(this.#stop.signal);
    } catch (error) {
      // Rows of ended sessions do no harm: the next sweep takes them.
      if (!this.#stop.signal.aborted && !(error instanceof AshlarError)) throw error;
    }
    if (!this.#stop.signal.aborted) this.#sweepLater();
  }
}

const NO_POLICIES: readonly Policy[] = [];

function policiesOf(principal: Principal, request: AuthorizeRequest): PolicySet {
  return {
    identity: principal.type === "user" ? principal.policies : NO_POLICIES,
    sessions: principal.type === "anonymous" ? NO_POLICIES : principal.sessions,
    bucket: request.bucketPolicy,
  };
}

/** The id changes with key and secret, so that tokens and sessions of a replaced root key are void. */
function rootPrincipal({ root, sha256 }: AccessOptions): RootPrincipal {
  const { accessKey, secretKey } = root;
  const id = toHex(sha256(utf8(`ashlar root ${accessKey.length} ${accessKey} ${secretKey}`))).slice(0, 32);
  return { type: "root", name: ROOT_NAME, id, accessKeyId: accessKey, tokenIssuedMillis: undefined, sessions: [] };
}

const noLimit = async (): Promise<void> => {};

interface Caches {
  readonly keys: RowCache<OpenKey>;
  readonly users: RowCache<UserRecord>;
  readonly policies: RowCache<Policy>;
  readonly sessions: RowCache<SessionRecord>;
}

function openCaches({ store, env, cipher }: AccessOptions): Caches {
  const base = { store, clock: env.clock };
  return {
    keys: new RowCache({
      ...base,
      table: TABLES.accessKey,
      entriesMax: ACCESS_LIMITS.cachedKeysMax,
      decode: (row, id) => openKey(row, id, cipher),
    }),
    users: new RowCache({
      ...base,
      table: TABLES.user,
      entriesMax: ACCESS_LIMITS.cachedUsersMax,
      decode: (row) => decodeUser(row),
    }),
    policies: new RowCache({
      ...base,
      table: TABLES.policy,
      entriesMax: ACCESS_LIMITS.cachedPoliciesMax,
      decode: (row, name) => policyOrDeny(decodePolicy(row).document, name, "identity"),
    }),
    sessions: new RowCache({
      ...base,
      table: TABLES.session,
      entriesMax: ACCESS_LIMITS.cachedSessionsMax,
      decode: (row) => decodeSession(row),
    }),
  };
}
