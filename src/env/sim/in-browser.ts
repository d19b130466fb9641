// The parts of the simulation that a browser can load: the index also has disks and hashing, which stand on Node's crypto.

export { type Endpoint, type Link, type LinkFaults, SimLinks } from "./links.ts";
export { SimScheduler } from "./scheduler.ts";
