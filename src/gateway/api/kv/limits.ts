export const KV_LIMITS = {
  pageRowsMax: 1000,
  /** Of the rows of a page: it ends behind the one that exceeds this. */
  pageBytesMax: 1_048_576,
  getManyMax: 100,
  getManyBytesMax: 4_194_304,
  /** The largest commit of the Store in whichever form takes most room, and what stands around its keys and values. */
  bodyBytesMax: 2_359_296,
  timeoutMillisDefault: 10_000,
  timeoutMillisMax: 60_000,
} as const;

export interface KvWatchLimits {
  /** Of the node. */
  readonly watchersMax: number;
  readonly watchersOfCallerMax: number;
  /** Something is sent at least this often, so that both sides notice when the other is gone. */
  readonly heartbeatMillis: number;
  /** A stream ends after this: whoever connects again is authorized again. */
  readonly lifeMillisMax: number;
}

export const KV_WATCH_LIMITS: KvWatchLimits = {
  watchersMax: 1024,
  watchersOfCallerMax: 256,
  heartbeatMillis: 5000,
  lifeMillisMax: 600_000,
};
