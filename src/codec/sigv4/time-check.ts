import type { V4Authorization } from "./authorization.ts";
import { sigV4Failure } from "./errors.ts";

/** How far the clocks of a signer and of the server may be apart. */
export const CLOCK_SKEW_MILLIS_MAX = 900_000;

/** A header is good for 15 minutes around its time; a link from (15 minutes before) its time until it expires. */
export function checkTime(authorization: V4Authorization, now: number): void {
  const { signedAtMillis, expiresSeconds } = authorization;
  const data = { requestMillis: signedAtMillis, serverMillis: now, skewMillisMax: CLOCK_SKEW_MILLIS_MAX };
  if (expiresSeconds === undefined) {
    if (Math.abs(now - signedAtMillis) > CLOCK_SKEW_MILLIS_MAX) throw sigV4Failure("REQUEST_TIME_TOO_SKEWED", { data });
    return;
  }
  if (signedAtMillis - now > CLOCK_SKEW_MILLIS_MAX) throw sigV4Failure("REQUEST_NOT_YET_VALID", { data });
  if (now - signedAtMillis > expiresSeconds * 1000)
    throw sigV4Failure("REQUEST_EXPIRED", { data: { ...data, expiresSeconds } });
}
