/** Limits that all outside engines have. */
export interface EngineOptions {
  /** Commits that are on their way to the engine at once; further ones wait. */
  readonly commitsRunningMax: number;
  /** More are refused with OVERLOADED. */
  readonly commitsWaitingMax: number;
  /** Live leases; more are refused with OVERLOADED. */
  readonly leasesMax: number;
  /** Changes that are kept in memory for watchers, apart from the Store's limit on events. */
  readonly historyBytesMax: number;
  readonly watchersMax: number;
  readonly scansRunningMax: number;
  readonly scansWaitingMax: number;
}

export const ENGINE_DEFAULTS: EngineOptions = {
  commitsRunningMax: 512,
  commitsWaitingMax: 10_000,
  leasesMax: 200_000,
  historyBytesMax: 32 * 1024 * 1024,
  watchersMax: 10_000,
  scansRunningMax: 16,
  scansWaitingMax: 10_000,
};
