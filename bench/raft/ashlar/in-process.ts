// Three hosts in this process, each group's window of proposals kept full on the node that leads it. A proposal is a
// call and a promise of its own, as a user of the library makes it.

import { setTimeout as sleep } from "node:timers/promises";
import type { HostedGroup } from "../../../src/host/index.ts";
import { VERSION } from "../../../src/server/version.ts";
import { Counter } from "./counter.ts";
import { readFlags } from "./flags.ts";
import { Meter, Starts } from "./meter.ts";
import { startThreeMembers, type ThreeMembers } from "./three-members.ts";

const SETTLE_MILLIS_MAX = 20_000;

class Client {
  readonly #group: HostedGroup<number>;
  readonly #command: Uint8Array;
  readonly #window: number;
  readonly #starts: Starts;
  readonly #meter: Meter;

  constructor(group: HostedGroup<number>, command: Uint8Array, window: number, meter: Meter) {
    this.#group = group;
    this.#command = command;
    this.#window = window;
    this.#starts = new Starts(window);
    this.#meter = meter;
  }

  get isIdle(): boolean {
    return this.#starts.count === 0;
  }

  start(): void {
    for (let at = 0; at < this.#window; at++) this.#propose(performance.now());
  }

  #propose(nowMillis: number): void {
    this.#starts.push(nowMillis);
    // A rejection ends the process: nothing here may fail.
    void this.#group.propose(this.#command).then(this.#ended);
  }

  readonly #ended = (): void => {
    const nowMillis = performance.now();
    this.#meter.record(this.#starts.shift(), nowMillis);
    if (!this.#meter.isOver) this.#propose(nowMillis);
  };
}

async function settle({ members }: ThreeMembers<number, Counter>, clients: readonly Client[]): Promise<void> {
  for (const latest = performance.now() + SETTLE_MILLIS_MAX; performance.now() < latest; await sleep(20)) {
    const isEqual = members.every(({ machines }) =>
      machines.every((machine, at) => machine.commands === members[0]!.machines[at]!.commands),
    );
    if (isEqual && clients.every(({ isIdle }) => isIdle)) return;
  }
  throw new Error("the members did not apply the same within 20 seconds of the run's end");
}

const { bytes, window, times, ...rest } = readFlags();
await using three = await startThreeMembers<number, Counter>({ ...rest, machine: () => new Counter() });
const meter = new Meter();
const clients = three.leaders.map((group) => new Client(group, new Uint8Array(bytes), window, meter));
for (const client of clients) client.start();
const measured = await meter.run(times);
await settle(three, clients);
process.stdout.write(`${JSON.stringify({ version: VERSION, ...measured })}\n`);
