// What a policy is asked: may this principal do this action on this resource, in this context? All of it is plain data.

import type { Action } from "./actions.ts";
import type { RequestContext } from "./condition-keys.ts";

/** Who asks, as far as policies look at it. */
export type PolicyPrincipal =
  | { readonly type: "anonymous" }
  | { readonly type: "root"; readonly tokenIssuedMillis?: number | undefined }
  | {
      readonly type: "user";
      readonly name: string;
      /** Of this user alone: one that is created later under the same name has another. */
      readonly id: string;
      /** Present with temporary credentials. */
      readonly tokenIssuedMillis?: number | undefined;
    };

export interface PolicyRequest {
  readonly principal: PolicyPrincipal;
  readonly action: Action;
  /** From bucketArn, objectArn, ashlarArn or ALL_BUCKETS_ARN. */
  readonly resource: string;
  /** Wall time. */
  readonly nowMillis: number;
  readonly context: RequestContext;
}
