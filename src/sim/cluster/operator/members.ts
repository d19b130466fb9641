import type { Seat } from "../seat.ts";
import type { Hands } from "./hands.ts";

/** With fewer the loss of one stops the cluster: the simulation goes on to lose nodes. */
const SOUND_MIN = 3;
const DRAIN_MILLIS_MAX = 2_000;
/** Until everybody knows that a node does not answer, after it has ceased to. */
const NOTICED_MILLIS = 4_000;
/** No server works longer on a request that it has not answered. */
const DOUBT_MILLIS = 10_000;

export async function drainAndResume(hands: Hands): Promise<void> {
  const { client, serving, sound } = hands;
  if (serving.length < SOUND_MIN || serving.length < sound.length) return;
  const { member } = client.prng.pick(serving);
  if ((await hands.decided("POST", `/v1/cluster/nodes/${member}/drain`)) === "refused") return;
  await client.sleep(client.prng.unit() * DRAIN_MILLIS_MAX);
  await hands.decided("POST", `/v1/cluster/nodes/${member}/resume`);
}

export async function removeDrained(hands: Hands): Promise<void> {
  const { client, serving, sound } = hands;
  if (serving.length <= SOUND_MIN || serving.length < sound.length || (await hands.lack()) !== undefined) return;
  const seat = client.prng.pick(serving);
  if ((await hands.decided("POST", `/v1/cluster/nodes/${seat.member}/drain`)) === "refused") return;
  await client.sleep(client.prng.unit() * DRAIN_MILLIS_MAX);
  if (!(await remove(hands, seat, ""))) await hands.decided("POST", `/v1/cluster/nodes/${seat.member}/resume`);
}

/** Of a node that is dead, or so the operator believes. It is refused where the others would not go on without it. */
export async function removeDead(hands: Hands): Promise<void> {
  const { client, sound, run } = hands;
  const members = sound.filter(({ member }) => member !== 0);
  if (sound.length < SOUND_MIN || members.length < 2 || !hands.hasNoticedLosses(NOTICED_MILLIS)) return;
  const seat = client.prng.pick(members);
  const { member } = seat;
  if (client.prng.chance(0.5)) seat.node.kill();
  await client.sleep(NOTICED_MILLIS);
  // Its place may be another node's by now.
  const isDone = seat.member === member && (await remove(hands, seat, "?force=true"));
  if (run.isFaulty || !isDone) seat.node.start();
}

/** A new node, or one that had been removed and comes again with an empty directory. */
export async function join({ run, client, seats }: Hands): Promise<void> {
  const former = seats.find(({ state, refusals }) => state === "removed" && refusals > 0);
  if (former === undefined) {
    if (run.canAddNode) run.addNode();
    return;
  }
  client.trace("operator", `empties ${former.name}`);
  former.node.loseDisk();
  former.becomes("sound");
  former.node.start();
}

/** False where the cluster refuses it. */
async function remove(hands: Hands, seat: Seat, query: string): Promise<boolean> {
  const { member } = seat;
  seat.mayBeRemoved = true;
  const outcome = await hands.decided("DELETE", `/v1/cluster/nodes/${member}${query}`);
  if (outcome === "in doubt") await hands.client.sleep(DOUBT_MILLIS);
  const isDone = outcome === "done" || (outcome === "in doubt" && (await hands.isRemoved(member)));
  seat.mayBeRemoved = false;
  if (!isDone) return false;
  seat.removedMillis = hands.run.nowMillis;
  seat.becomes("removed");
  hands.counts["removed"]!++;
  return true;
}
