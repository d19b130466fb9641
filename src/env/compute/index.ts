export { COMPUTE_ERRORS, type ComputeError, type ComputeErrorCode, computeFailure } from "./errors.ts";
export { HashThread, type ThreadReport } from "./hash-thread.ts";
export { InlineHasher, type Pace } from "./inline-hasher.ts";
export { Lane, type ThreadLink } from "./lane.ts";
export { makeRing, RING_BYTES_MAX, RING_BYTES_MIN, type RingMemory } from "./ring.ts";
export { areCheap } from "./running-hashes.ts";
