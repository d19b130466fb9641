export const THRIFT_LIMITS = {
  frameBytesMax: 16_384,
  /** A method's name, a useragent. */
  stringBytesMax: 4096,
  depthMax: 16,
  /** Requests that a client sent ahead and that are answered together; it is not read from while there are as many. */
  requestsAheadMax: 1000,
  /** Answers that a client has not taken yet: above, nothing more is answered until it has. */
  unsentBytesMax: 262_144,
  /** Who is told that he is not understood has so long to read it. */
  lingerMillis: 1000,
} as const;
