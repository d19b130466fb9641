export interface CallOptions {
  /** The call rejects with its reason; a commit that was sent already with OUTCOME_UNKNOWN. */
  readonly signal?: AbortSignal | undefined;
  /** For the call with all its attempts; 15 seconds where left out. */
  readonly timeoutMillis?: number | undefined;
}
