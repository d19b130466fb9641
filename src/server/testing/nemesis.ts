import { setTimeout as sleep } from "node:timers/promises";
import type { Prng } from "../../std/prng.ts";
import type { ServerNodes } from "./nodes.ts";

/** No node that was not disturbed gives up on its leader sooner. */
const ELECTION_MILLIS = 3000;

export interface Faults {
  kills: number;
  stops: number;
  cuts: number;
  halfCuts: number;
  delays: number;
}

/** One fault after another, each of a minority of the nodes, until the time is up; then everything is well again. */
export async function disturb(nodes: ServerNodes, prng: Prng, endMillis: number): Promise<Readonly<Faults>> {
  const faults: Faults = { kills: 0, stops: 0, cuts: 0, halfCuts: 0, delays: 0 };
  while (Date.now() < endMillis) {
    await sleep(500 + prng.below(2500));
    const victims = victimsOf(nodes, prng);
    const choice = prng.unit();
    if (choice < 0.35) {
      faults.kills += victims.length;
      for (const id of victims) await nodes.kill(id);
      await sleep(prng.below(4000));
      await Promise.all(victims.map((id) => nodes.run(id)));
    } else if (choice < 0.6) {
      faults.stops += victims.length;
      for (const id of victims) nodes.signal(id, "SIGSTOP");
      await sleep(ELECTION_MILLIS + prng.below(2000));
      for (const id of victims) nodes.signal(id, "SIGCONT");
    } else if (choice < 0.85) {
      const isHalf = prng.chance(0.3);
      if (isHalf) faults.halfCuts++;
      else faults.cuts++;
      for (const link of nodes.linksOf(victims, isHalf ? prng.pick(["from", "to"]) : "both")) link.cut();
      await sleep(ELECTION_MILLIS + prng.below(3000));
    } else {
      faults.delays++;
      for (const link of nodes.linksOf(victims)) link.delayMillis = 20 + prng.below(300);
      await sleep(2000);
    }
    nodes.heal();
  }
  return faults;
}

/** The leader is among them more often than not. */
function victimsOf(nodes: ServerNodes, prng: Prng): readonly number[] {
  const { leader } = nodes;
  const left = [...nodes.ids];
  const victims: number[] = [];
  const take = (id: number): void => void victims.push(...left.splice(left.indexOf(id), 1));
  take(leader !== undefined && prng.chance(0.6) ? leader : prng.pick(left));
  while (victims.length < nodes.minority && prng.chance(0.5)) take(prng.pick(left));
  return victims;
}
