export const ACCESS_LIMITS = {
  /** Of a policy document as it was sent, in UTF-8. */
  policyBytesMax: 20_480,
  policyDepthMax: 8,
  /** Of a request's value that a condition looks at: no header can make policies expensive. */
  conditionCharactersMax: 2048,
  /**
   * A user goes in one commit of the Store together with its keys, their usage rows and its policies' reference counts.
   */
  keysPerUserMax: 40,
  policiesPerUserMax: 10,
  descriptionCharactersMax: 256,
  pageRowsMax: 1000,
  /** Tries of a read, change and commit before CONTENDED. */
  attemptsMax: 10,

  cachedKeysMax: 10_000,
  cachedUsersMax: 10_000,
  cachedPoliciesMax: 1000,
  cachedTokensMax: 10_000,
  /** Ids that were asked for and do not exist: kept apart, so that guessing evicts nobody. */
  cachedAbsentMax: 10_000,
  /**
   * A cached row is read again after this time whatever the watch says: the bound on how long a revocation can take.
   */
  cachedMillisMax: 60_000,
  /** Rows read at once on cache misses. */
  loadsMax: 1000,
  watchRetryMillis: 1000,

  temporaryMillisMin: 900_000,
  temporaryMillisMax: 604_800_000,
  /** The narrowing policy travels inside the session token, in a header of each request. */
  temporaryPolicyBytesMax: 2048,
  tokenCharactersMax: 8192,

  usagePendingMax: 10_000,
  usageFlushMillis: 60_000,

  sessionsPerUserMax: 20,
  sessionIdleMillis: 3_600_000,
  sessionAbsoluteMillis: 43_200_000,
  cachedSessionsMax: 10_000,
  sessionSweepMillis: 3_600_000,
  userAgentCharactersMax: 256,
} as const;
