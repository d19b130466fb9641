// What a browser, or whatever else has its globals, can offer of the world; nothing of Node is behind it.

export { SimDisk } from "../sim/disk.ts";
export { webClock } from "./clock.ts";
export { WebRandom } from "./random.ts";
export { webHmacSha256, webSha256 } from "./sha256.ts";
export { webTimers } from "./timers.ts";
