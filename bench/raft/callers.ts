// Sixteen callers at once, each proposing its next command when the one before is answered: what became of the commands?

export const CALLERS = 16;
export const COMMANDS_EACH = 13;
export const SEQUENTIAL = 200;

export interface CallersResult {
  readonly version: string;
  readonly proposed: number;
  /** Applied on the leader at least once. */
  readonly survived: number;
  /** Applied exactly once, and behind all earlier ones of the same caller. */
  readonly right: number;
  /** One caller alone, each command proposed when the one before is applied. */
  readonly sequentialPerSecond: number;
}

export interface Replicator {
  readonly version: string;
  /** Resolves when the library says so, whatever that means with it. */
  propose(command: string): Promise<unknown>;
  /** Resolves when the command has been applied. */
  applied(command: string): Promise<unknown>;
  /** In the order in which the leader applied them. */
  readonly log: string[];
  /** Nothing more is to come. */
  settle(): Promise<void>;
}

export async function runCallers(replicator: Replicator): Promise<CallersResult> {
  const began = performance.now();
  for (let at = 0; at < SEQUENTIAL; at++) {
    const applied = replicator.applied(`alone ${at}`);
    await replicator.propose(`alone ${at}`);
    await applied;
  }
  const sequentialPerSecond = (SEQUENTIAL / (performance.now() - began)) * 1000;
  await replicator.settle();
  replicator.log.length = 0;
  const caller = async (name: number): Promise<void> => {
    for (let at = 0; at < COMMANDS_EACH; at++) await replicator.propose(commandOf(name, at));
  };
  await Promise.all(Array.from({ length: CALLERS }, (_, name) => caller(name)));
  await replicator.settle();
  return { version: replicator.version, ...judge(replicator.log), sequentialPerSecond };
}

export function commandOf(caller: number, at: number): string {
  return `${caller} ${at}`;
}

export function judge(log: readonly string[]): { proposed: number; survived: number; right: number } {
  const places = Map.groupBy(log.keys(), (place) => log[place]!);
  let [survived, right] = [0, 0];
  for (let caller = 0; caller < CALLERS; caller++) {
    let behind = -1;
    for (let at = 0; at < COMMANDS_EACH; at++) {
      const found = places.get(commandOf(caller, at)) ?? [];
      if (found.length > 0) survived++;
      if (found.length === 1 && found[0]! > behind) right++;
      behind = Math.max(behind, ...found);
    }
  }
  return { proposed: CALLERS * COMMANDS_EACH, survived, right };
}
