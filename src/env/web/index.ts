export { webClock } from "./clock.ts";
export { WebRandom } from "./random.ts";
export { webTimers } from "./timers.ts";
