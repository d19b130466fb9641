// The Principal and NotPrincipal of a bucket policy. What may be written, and what it means:
//
//   "*"  or  {"AWS": "*"}            everyone, anonymous requests too
//   {"AWS": "alice"}                 the user alice; the short form of the next
//   {"AWS": "arn:aws:iam:::user/alice"}
//   {"AWS": "arn:aws:iam:::root"}    the account. Allow: the account may let its users in by their own policies, which
//                                    it may anyway, so this grants nothing by itself. Deny: every signed request.
//
// There are no roles, federated users, AWS services or canonical user ids: a policy that names one is refused.

import { ROOT_ARN, userArn } from "./arn.ts";
import { element, malformed, member, quoted } from "./fault.ts";
import { isList, isObject, type JsonValue } from "./json.ts";
import type { PolicyPrincipal } from "./request.ts";

export class PrincipalSet {
  readonly negated: boolean;
  /** "*" */
  readonly everyone: boolean;
  readonly account: boolean;
  readonly users: ReadonlySet<string>;
  readonly #denies: boolean;

  constructor(named: readonly Named[], negated: boolean, denies: boolean) {
    this.negated = negated;
    this.everyone = named.includes(EVERYONE);
    this.account = named.includes(ACCOUNT);
    this.users = new Set(named.filter((name) => typeof name === "string"));
    this.#denies = denies;
  }

  covers(principal: PolicyPrincipal): boolean {
    return this.#names(principal) !== this.negated;
  }

  #names(principal: PolicyPrincipal): boolean {
    if (this.everyone) return true;
    if (principal.type === "anonymous") return false;
    // NotPrincipal lists exceptions from a Deny: the account as an exception is its root, not all its users.
    if (this.account && (principal.type === "root" || (this.#denies && !this.negated))) return true;
    return principal.type === "user" && this.users.has(principal.name);
  }
}

export interface PrincipalSyntax {
  readonly negated: boolean;
  readonly denies: boolean;
}

/** Throws POLICY_MALFORMED where the value names anything but users and the account of this server. */
export function parsePrincipals(value: JsonValue, syntax: PrincipalSyntax, path: string): PrincipalSet {
  if (syntax.negated && !syntax.denies) {
    throw malformed(path, "NotPrincipal can only be used with Deny: with Allow it would let everyone else in.");
  }
  const named: readonly Named[] = value === "*" ? [EVERYONE] : parseMap(value, path);
  if (syntax.negated && named.includes(EVERYONE)) throw malformed(path, "it excepts everyone, so it has no effect.");
  return new PrincipalSet(named, syntax.negated, syntax.denies);
}

const EVERYONE: unique symbol = Symbol("everyone");
const ACCOUNT: unique symbol = Symbol("account");
type Named = string | typeof EVERYONE | typeof ACCOUNT;

function parseMap(value: JsonValue, path: string): Named[] {
  if (!isObject(value)) throw malformed(path, 'it is "*" or an object such as {"AWS": ["alice"]}.');
  for (const kind of value.keys()) {
    if (kind !== "AWS") throw malformed(member(path, kind), "this server knows principals of the kind AWS only.");
  }
  const entries = value.get("AWS");
  const inside = member(path, "AWS");
  if (entries === undefined) throw malformed(path, "it names nobody.");
  if (!isList(entries)) return [parseName(entries, inside)];
  if (entries.length === 0) throw malformed(inside, "the list is empty.");
  return entries.map((entry, index) => parseName(entry, element(inside, index)));
}

const USER_PREFIX = userArn("");

function parseName(value: JsonValue, path: string): Named {
  if (typeof value !== "string" || value === "") throw malformed(path, "a principal is a user's name or ARN.");
  if (value === "*") return EVERYONE;
  if (value === ROOT_ARN) return ACCOUNT;
  const name = value.startsWith(USER_PREFIX) ? value.slice(USER_PREFIX.length) : value;
  if (!/^[\w+=,.@-]{1,64}$/.test(name)) {
    throw malformed(path, `${quoted(value)} is neither "*" nor a user of this server, as in ${userArn("alice")}.`);
  }
  return name;
}
