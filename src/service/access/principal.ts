import type { ROOT_NAME } from "./names.ts";
import type { Policy } from "./policy/policy.ts";

/**
 * Who makes a request, with the policies that decide on it. Made anew when any of them changes: keep it for one request
 * only.
 */
export type Principal = AnonymousPrincipal | RootPrincipal | UserPrincipal;

export interface AnonymousPrincipal {
  readonly type: "anonymous";
}

interface KeyHolder {
  readonly name: string;
  /** Of this user alone; for root, of this root key and secret. */
  readonly id: string;
  readonly accessKeyId: string;
  /** Present with temporary credentials. */
  readonly tokenIssuedMillis: number | undefined;
  /** Each of them narrows what the principal may do. */
  readonly sessions: readonly Policy[];
}

export interface RootPrincipal extends KeyHolder {
  readonly type: "root";
  readonly name: typeof ROOT_NAME;
}

export interface UserPrincipal extends KeyHolder {
  readonly type: "user";
  readonly policies: readonly Policy[];
}

export const ANONYMOUS: AnonymousPrincipal = { type: "anonymous" };
