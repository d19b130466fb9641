import { assert } from "../../../std/assert.ts";
import { type Access, type AccessOptions, openAccess } from "../access.ts";
import type { CredentialResult } from "../credentials.ts";
import type { Principal } from "../principal.ts";
import { ManualEnv, settle } from "./manual-env.ts";
import { MemoryStore } from "./memory-store.ts";
import { sha256, TestCipher } from "./test-crypto.ts";

export const ROOT = { accessKey: "rootkey", secretKey: "root-secret-root-secret" } as const;

export interface TestAccess extends AsyncDisposable {
  readonly access: Access;
  readonly store: MemoryStore;
  readonly env: ManualEnv;
}

/** The service over a Store in memory, with its watches running. Several can share a Store: they are nodes then. */
export async function startAccess(
  options: Partial<AccessOptions> & { readonly store?: MemoryStore; readonly env?: ManualEnv } = {},
): Promise<TestAccess> {
  const { store = new MemoryStore(), env = new ManualEnv() } = options;
  const cipher = new TestCipher(new Uint8Array(32).fill(7), env.random);
  const access = openAccess({ root: ROOT, cipher, sha256, ...options, store, env });
  await settle();
  return { access, store, env, [Symbol.asyncDispose]: () => access[Symbol.asyncDispose]() };
}

/** Asks as a gateway does. */
export async function credentialOf(access: Access, id: string, token?: string): Promise<CredentialResult> {
  return access.credential(id, token) ?? (await access.findCredential(id, token));
}

/** Of an access key that has one. */
export async function principalOf(access: Access, id: string, token?: string): Promise<Principal> {
  const result = await credentialOf(access, id, token);
  assert(result.found, "the access key has a credential");
  return result.principal;
}

/** "found", or why not. */
export async function standingOf(access: Access, id: string, token?: string): Promise<string> {
  const result = await credentialOf(access, id, token);
  return result.found ? "found" : result.reason;
}
