// From an access key id to a secret and a principal: what every signed request asks first. Answered from memory,
// synchronously; what is not in memory is loaded, and the same question asked again over what was loaded.

import type { Clock } from "../../env/index.ts";
import { assert } from "../../std/assert.ts";
import { CANNED_POLICIES, denyAll } from "./canned-policies.ts";
import { isKeyId, isTemporaryKeyId } from "./names.ts";
import type { Policy } from "./policy/policy.ts";
import type { Principal, RootPrincipal, UserPrincipal } from "./principal.ts";
import type { KeyRecord, UserRecord } from "./records.ts";
import type { CachedRow, RowCache } from "./row-cache.ts";
import type { TokenClaims, TokenSealer } from "./tokens.ts";
import type { Usage } from "./usage.ts";

export type CredentialResult =
  | { readonly found: true; readonly secret: string; readonly principal: Principal }
  | { readonly found: false; readonly reason: CredentialRefusal };

/** Why there is no credential. `unreadable`: the secret was sealed under another seal key. */
export type CredentialRefusal =
  | "unknown"
  | "disabled"
  | "expired"
  | "unreadable"
  | "token-missing"
  | "token-invalid"
  | "token-expired";

/** An access key as the cache holds it, with its secret opened. */
export interface OpenKey {
  readonly record: KeyRecord;
  /** Undefined where it can not be opened. */
  readonly secret: string | undefined;
  readonly policy: Policy | undefined;
}

export interface CredentialParts {
  readonly clock: Clock;
  readonly root: RootCredential;
  readonly keys: RowCache<OpenKey>;
  readonly users: RowCache<UserRecord>;
  readonly policies: RowCache<Policy>;
  readonly tokens: TokenSealer;
  readonly usage: Usage;
}

export interface RootCredential {
  readonly secret: string;
  readonly principal: RootPrincipal;
}

export class Credentials {
  readonly #parts: CredentialParts;
  readonly #cached: View;
  /** Principals by the key's cached row: let go of with it. */
  readonly #resolved: WeakMap<CachedRow<OpenKey>, Resolved> = new WeakMap();

  constructor(parts: CredentialParts) {
    this.#parts = parts;
    this.#cached = {
      key: (id) => parts.keys.peek(id),
      user: (name) => parts.users.peek(name),
      policy: (name) => parts.policies.peek(name),
    };
  }

  /** Undefined where the answer is not in memory: ask `load`. */
  peek(accessKeyId: string, token: string | undefined): CredentialResult | undefined {
    return this.#resolve(accessKeyId, token, this.#cached);
  }

  async load(accessKeyId: string, token: string | undefined): Promise<CredentialResult> {
    const { keys, users, policies } = this.#parts;
    const view = new LoadingView(keys, users, policies);
    // A key names a user and that its policies: each round loads what the one before has named.
    for (let round = 0; round < 4; round++) {
      const result = this.#resolve(accessKeyId, token, view);
      if (result !== undefined) return result;
      await view.load();
    }
    const result = this.#resolve(accessKeyId, token, view);
    assert(result !== undefined, "a credential is resolved from its key, its user and the user's policies");
    return result;
  }

  #resolve(accessKeyId: string, token: string | undefined, view: View): CredentialResult | undefined {
    const { root, tokens } = this.#parts;
    if (token !== undefined) {
      const claims = isTemporaryKeyId(accessKeyId) ? tokens.open(accessKeyId, token) : undefined;
      return claims === undefined ? refusal("token-invalid") : this.#temporary(claims, view);
    }
    if (accessKeyId === root.principal.accessKeyId) return { found: true, ...root };
    if (!isKeyId(accessKeyId)) return refusal("unknown");
    if (isTemporaryKeyId(accessKeyId)) return refusal("token-missing");
    return this.#permanent(accessKeyId, view);
  }

  #permanent(accessKeyId: string, view: View): CredentialResult | undefined {
    const { clock, usage } = this.#parts;
    const row = view.key(accessKeyId);
    if (row === undefined) return undefined;
    const key = row.value;
    if (key === undefined) return refusal("unknown");
    const { record, secret } = key;
    if (!record.enabled) return refusal("disabled");
    if (record.expiresMillis !== undefined && record.expiresMillis <= clock.now()) return refusal("expired");
    if (secret === undefined) return refusal("unreadable");
    const resolved = this.#resolveUser(accessKeyId, row, key, view);
    if (resolved?.result.found === true) usage.note(accessKeyId, row.revision);
    return resolved?.result;
  }

  #resolveUser(id: string, row: CachedRow<OpenKey>, key: OpenKey, view: View): Resolved | undefined {
    const user = view.user(key.record.user);
    if (user === undefined) return undefined;
    const names = user.value?.policies ?? [];
    const known = this.#resolved.get(row);
    if (known?.user === user && names.every((name, at) => policyIn(view, name) === known.policies[at])) return known;
    const policies: CachedRow<Policy>[] = [];
    // All of them are asked for, so that one round loads them all.
    for (const name of names) {
      const policy = policyIn(view, name);
      if (policy !== undefined) policies.push(policy);
    }
    if (policies.length < names.length) return undefined;
    const resolved = { user, policies, result: userResult(id, key, user.value, policies) };
    this.#resolved.set(row, resolved);
    return resolved;
  }

  #temporary(claims: TokenClaims, view: View): CredentialResult | undefined {
    const { clock } = this.#parts;
    if (claims.expiresMillis <= clock.now()) return refusal("token-expired");
    const parent = this.#resolve(claims.parentKeyId, undefined, view);
    if (parent?.found !== true) return parent === undefined ? undefined : refusal("token-invalid");
    const { principal } = parent;
    if (principal.type === "anonymous" || principal.id !== claims.ownerId) return refusal("token-invalid");
    if (principal.type === "user") {
      const user = view.user(principal.name);
      if (user === undefined) return undefined;
      if (user.value === undefined || claims.issuedMillis < user.value.tokensFromMillis)
        return refusal("token-expired");
    }
    const sessions = claims.policy === undefined ? principal.sessions : [...principal.sessions, claims.policy];
    const narrowed = {
      ...principal,
      accessKeyId: claims.accessKeyId,
      tokenIssuedMillis: claims.issuedMillis,
      sessions,
    };
    return { found: true, secret: claims.secret, principal: narrowed };
  }
}

interface View {
  key(id: string): CachedRow<OpenKey> | undefined;
  user(name: string): CachedRow<UserRecord> | undefined;
  policy(name: string): CachedRow<Policy> | undefined;
}

interface Resolved {
  readonly user: CachedRow<UserRecord>;
  readonly policies: readonly CachedRow<Policy>[];
  readonly result: CredentialResult;
}

/** Answers from the caches and from what it has loaded itself; notes what it can not answer. */
class LoadingView implements View {
  readonly #keys: LoadingTable<OpenKey>;
  readonly #users: LoadingTable<UserRecord>;
  readonly #policies: LoadingTable<Policy>;

  constructor(keys: RowCache<OpenKey>, users: RowCache<UserRecord>, policies: RowCache<Policy>) {
    this.#keys = new LoadingTable(keys);
    this.#users = new LoadingTable(users);
    this.#policies = new LoadingTable(policies);
  }

  key(id: string): CachedRow<OpenKey> | undefined {
    return this.#keys.find(id);
  }

  user(name: string): CachedRow<UserRecord> | undefined {
    return this.#users.find(name);
  }

  policy(name: string): CachedRow<Policy> | undefined {
    return this.#policies.find(name);
  }

  async load(): Promise<void> {
    await Promise.all([this.#keys.load(), this.#users.load(), this.#policies.load()]);
  }
}

class LoadingTable<Value> {
  readonly #cache: RowCache<Value>;
  readonly #loaded: Map<string, CachedRow<Value>> = new Map();
  readonly #missing: Set<string> = new Set();

  constructor(cache: RowCache<Value>) {
    this.#cache = cache;
  }

  find(key: string): CachedRow<Value> | undefined {
    const row = this.#loaded.get(key) ?? this.#cache.peek(key);
    if (row === undefined) this.#missing.add(key);
    else this.#loaded.set(key, row);
    return row;
  }

  async load(): Promise<void> {
    const keys = [...this.#missing];
    this.#missing.clear();
    const rows = await Promise.all(keys.map((key) => this.#cache.load(key)));
    for (const [at, key] of keys.entries()) this.#loaded.set(key, rows[at]!);
  }
}

const CANNED_ROWS: ReadonlyMap<string, CachedRow<Policy>> = new Map(
  Array.from(CANNED_POLICIES, ([name, { policy }]) => [name, { value: policy, revision: 0, loadedMillis: 0 }]),
);

function policyIn(view: View, name: string): CachedRow<Policy> | undefined {
  return CANNED_ROWS.get(name) ?? view.policy(name);
}

function userResult(
  accessKeyId: string,
  key: OpenKey,
  user: UserRecord | undefined,
  policies: readonly CachedRow<Policy>[],
): CredentialResult {
  if (user === undefined) return refusal("unknown");
  if (!user.enabled) return refusal("disabled");
  assert(key.secret !== undefined, "a key without a secret is refused before its user is looked at");
  const principal: UserPrincipal = {
    type: "user",
    name: key.record.user,
    id: user.id,
    accessKeyId,
    tokenIssuedMillis: undefined,
    // A policy in use is not deleted; if its row is gone all the same, what it denied is not known.
    policies: policies.map((row, at) => row.value ?? denyAll(user.policies[at]!, "identity")),
    sessions: key.policy === undefined ? [] : [key.policy],
  };
  return { found: true, secret: key.secret, principal };
}

function refusal(reason: CredentialRefusal): CredentialResult {
  return { found: false, reason };
}
