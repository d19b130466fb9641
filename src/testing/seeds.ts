/** `ASHLAR_SIM_SEEDS` seeds from `ASHLAR_SIM_SEED` on: CI gives each commit other ones. */
export function simulationSeeds(count: number): number[] {
  const first = Number(process.env["ASHLAR_SIM_SEED"] ?? 1);
  const many = Number(process.env["ASHLAR_SIM_SEEDS"] ?? count);
  return Array.from({ length: many }, (_, at) => (first + at) >>> 0);
}

/** How long they may take: no limit where it is said how many there are. */
export function simulationMillis(minutes: number): number {
  return process.env["ASHLAR_SIM_SEEDS"] === undefined ? minutes * 60_000 : Number.POSITIVE_INFINITY;
}

/** How often a fuzz test tries: `ASHLAR_FUZZ_RUNS`. */
export function fuzzRuns(count: number): number {
  return Number(process.env["ASHLAR_FUZZ_RUNS"] ?? count);
}
