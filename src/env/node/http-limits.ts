/** How much of a body that nobody reads is taken in so that its connection can go on. More than this closes it. */
export const DRAIN_BYTES_MAX = 262_144;
/**
 * A connection that is closed with bytes unread is reset, and a reset can overtake the reply on its way to the client.
 * So bytes are taken in and dropped for a while first.
 */
export const LINGER_BYTES_MAX: number = 16 * 1_048_576;
export const LINGER_MILLIS_MAX = 2_000;
/** Received but not yet read bytes of a body, beside what one read of the socket brings. */
export const BODY_BYTES_QUEUED_MAX = 65_536;
/** Requests of one connection that wait for the reply to an earlier one. */
export const PIPELINED_MAX = 32;
