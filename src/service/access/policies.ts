// Named policies: the canned ones, and those that are stored. A stored policy is changed in place for all its users at
// once, and can not be deleted while it is attached.

import type { Clock } from "../../env/index.ts";
import { compareBytes, utf8 } from "../../std/bytes.ts";
import { type Check, type Put, type Row, type RowAddress, type Store, TABLES } from "../../store/index.ts";
import { CANNED_POLICIES } from "./canned-policies.ts";
import { type Change, change, checkPage, checkRevision, type PageRequest, readPage, unchanged } from "./changes.ts";
import { accessFailure } from "./errors.ts";
import { checkPolicyName } from "./names.ts";
import { parsePolicy } from "./policy/policy.ts";
import { decodeNumber, decodePolicy, encodeNumber, encodePolicy, policyRow, referencesRow } from "./records.ts";

export interface PolicyInfo {
  readonly name: string;
  readonly canned: boolean;
  readonly createdMillis: number | undefined;
  readonly updatedMillis: number | undefined;
  /** For `ifRevision`; 0 of a canned policy. */
  readonly revision: number;
}

export interface PolicyDocument extends PolicyInfo {
  readonly document: string;
}

export interface PolicyPage {
  readonly policies: readonly PolicyInfo[];
  /** Pass it as `after` to get the next page; undefined at the end. */
  readonly next: string | undefined;
}

export interface PutPolicy {
  readonly document: string;
  /** Fail with POLICY_EXISTS where there is one of this name. */
  readonly create?: boolean;
  /** Fail with REVISION_CHANGED where it is not the one that was read. */
  readonly ifRevision?: number;
}

export interface PoliciesParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly checkSpace: () => Promise<void>;
}

export class Policies {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #checkSpace: () => Promise<void>;
  readonly #changed: (name: string) => void;

  /** `changed` is called before a change is acknowledged. */
  constructor({ store, clock, checkSpace }: PoliciesParts, changed: (name: string) => void) {
    this.#store = store;
    this.#clock = clock;
    this.#checkSpace = checkSpace;
    this.#changed = changed;
  }

  /** Throws NAME_INVALID, POLICY_BUILT_IN, POLICY_MALFORMED, POLICY_EXISTS, POLICY_MISSING, REVISION_CHANGED. */
  async put(name: string, { document, create = false, ifRevision }: PutPolicy): Promise<void> {
    checkPolicyName(name);
    refuseCanned(name);
    parsePolicy(document, { name, source: "identity" });
    await this.#checkSpace();
    const decide = async (): Promise<Change<string>> => {
      const address = policyRow(name);
      const { row } = await this.#store.get(address);
      if (create && row !== undefined) throw accessFailure("POLICY_EXISTS", { data: { name } });
      if (row === undefined && ifRevision !== undefined) throw policyMissing(name);
      if (row !== undefined) checkRevision(row, ifRevision);
      const updatedMillis = this.#clock.now();
      const createdMillis = row === undefined ? updatedMillis : decodePolicy(row).createdMillis;
      const value = encodePolicy({ createdMillis, updatedMillis, document });
      return { commit: { checks: [unchanged(address, row)], puts: [{ ...address, value }] }, result: name };
    };
    await change(this.#store, decide, this.#changed);
  }

  /** Throws POLICY_MISSING. */
  async get(name: string): Promise<PolicyDocument> {
    const canned = CANNED_POLICIES.get(name);
    if (canned !== undefined) return { ...cannedInfo(name), document: canned.document };
    const row = await this.#read(name);
    const { document } = decodePolicy(row);
    return { ...storedInfo(name, row), document };
  }

  /** Canned and stored ones together, in byte order of their names. Throws PAGE_INVALID. */
  async list(page: PageRequest): Promise<PolicyPage> {
    checkPage(page);
    const stored = await readPage(this.#store, TABLES.policy, page);
    const last = stored.more ? stored.rows.at(-1)!.name : undefined;
    const canned = [...CANNED_POLICIES.keys()].filter(
      (name) =>
        (page.after === undefined || isBefore(page.after, name)) && (last === undefined || isBefore(name, last)),
    );
    const all = [...canned.map(cannedInfo), ...stored.rows.map(({ name, row }) => storedInfo(name, row))];
    all.sort((left, right) => compareBytes(utf8(left.name), utf8(right.name)));
    const policies = all.slice(0, page.limit);
    const more = stored.more || all.length > page.limit;
    return { policies, next: more ? policies.at(-1)!.name : undefined };
  }

  /** Throws POLICY_BUILT_IN, POLICY_MISSING, POLICY_IN_USE. */
  async delete(name: string): Promise<void> {
    refuseCanned(name);
    const decide = async (): Promise<Change<string>> => {
      const addresses = [policyRow(name), referencesRow(name)] as const;
      const [row, references] = await this.#store.getMany(addresses);
      if (row === undefined) throw policyMissing(name);
      const users = references === undefined ? 0 : decodeNumber(references);
      if (users > 0) throw accessFailure("POLICY_IN_USE", { data: { name, users } });
      const checks = [unchanged(addresses[0], row), unchanged(addresses[1], references)];
      return { commit: { checks, deletes: addresses }, result: name };
    };
    await change(this.#store, decide, this.#changed);
  }

  async #read(name: string): Promise<Row> {
    checkPolicyName(name);
    const { row } = await this.#store.get(policyRow(name));
    if (row === undefined) throw policyMissing(name);
    return row;
  }
}

export interface ReferenceChange {
  readonly checks: readonly Check[];
  readonly puts: readonly Put[];
  readonly deletes: readonly RowAddress[];
}

/** What a commit takes along that attaches and detaches policies. Throws POLICY_MISSING. */
export async function changeReferences(
  store: Store,
  attached: readonly string[],
  detached: readonly string[],
): Promise<ReferenceChange> {
  const checks: Check[] = [];
  const puts: Put[] = [];
  const deletes: RowAddress[] = [];
  const names = [...attached, ...detached].filter((name) => !CANNED_POLICIES.has(name));
  const rows = await store.getMany(names.flatMap((name) => [policyRow(name), referencesRow(name)]));
  for (const [at, name] of names.entries()) {
    const [policy, references] = [rows[at * 2], rows[at * 2 + 1]];
    const users = references === undefined ? 0 : decodeNumber(references);
    const isAttached = attached.includes(name);
    if (isAttached && policy === undefined) throw policyMissing(name);
    if (isAttached) checks.push(unchanged(policyRow(name), policy));
    checks.push(unchanged(referencesRow(name), references));
    const count = Math.max(0, isAttached ? users + 1 : users - 1);
    if (count > 0) puts.push({ ...referencesRow(name), value: encodeNumber(count) });
    else deletes.push(referencesRow(name));
  }
  return { checks, puts, deletes };
}

function policyMissing(name: string): Error {
  return accessFailure("POLICY_MISSING", { data: { name } });
}

function refuseCanned(name: string): void {
  if (CANNED_POLICIES.has(name)) throw accessFailure("POLICY_BUILT_IN", { data: { name } });
}

function cannedInfo(name: string): PolicyInfo {
  return { name, canned: true, createdMillis: undefined, updatedMillis: undefined, revision: 0 };
}

function storedInfo(name: string, row: Row): PolicyInfo {
  const { createdMillis, updatedMillis } = decodePolicy(row);
  return { name, canned: false, createdMillis, updatedMillis, revision: row.revision };
}

function isBefore(left: string, right: string): boolean {
  return compareBytes(utf8(left), utf8(right)) < 0;
}
