// Data directories that are not what they say: a copy that starts beside the original, and one that was put back from an
// earlier time. Both must be refused. The documentation says where they may not be: while nobody can be asked, and where the
// node has not been started since the copy was made. So these wait for peace, and start the node once more.

import type { MachineData } from "../../../env/sim/index.ts";
import type { Seat } from "../seat.ts";
import type { Hands } from "./hands.ts";

const START_MILLIS_MAX = 8_000;
const PEACE_MILLIS_MAX = 6_000;

/** A copy of a node's directory comes up on another machine. */
export async function beside(hands: Hands): Promise<void> {
  const { run, client } = hands;
  if (!run.canAddNode) return;
  const found = await oldData(hands);
  if (found === undefined) return;
  await hands.inPeace(PEACE_MILLIS_MAX, async () => {
    const { id } = run.addNode();
    const seat = hands.seatOf(id);
    seat.node.loseDisk();
    seat.becomes("impostor");
    seat.machine.putData(found.data);
    client.trace("operator", `starts a copy of ${found.seat.name} at ${seat.name}`);
    await isRefused(hands, seat);
    seat.node.loseDisk();
    // The machine is as good as any other.
    seat.becomes("sound");
    seat.node.start();
  });
}

/** A node's directory is put back to what it was. */
export async function putBack(hands: Hands): Promise<void> {
  const { client } = hands;
  const found = await oldData(hands);
  if (found === undefined) return;
  const { seat, data } = found;
  await hands.inPeace(PEACE_MILLIS_MAX, async () => {
    if (seat.server === undefined || seat.state !== "sound") return;
    const { member } = seat;
    seat.node.kill();
    const own = seat.machine.copyData();
    seat.machine.putData(data);
    seat.becomes("impostor");
    client.trace("operator", `puts an old directory back at ${seat.name}`);
    await isRefused(hands, seat);
    seat.node.kill();
    seat.machine.putData(own);
    seat.becomes("sound");
    seat.member = member;
    seat.node.start();
  });
}

/** What a node's directory held before its last start. */
async function oldData(hands: Hands): Promise<{ readonly seat: Seat; readonly data: MachineData } | undefined> {
  const { client, serving, sound } = hands;
  if (serving.length < sound.length || serving.length === 0) return undefined;
  const seat = client.prng.pick(serving);
  const { member, starts } = { member: seat.member, starts: seat.node.starts };
  const data = seat.machine.copyData();
  seat.node.kill();
  await client.sleep(client.prng.unit() * 500);
  seat.node.start();
  const isBack = await hands.within(START_MILLIS_MAX, () => seat.server !== undefined && seat.node.starts > starts);
  return isBack && seat.member === member && seat.state === "sound" ? { seat, data } : undefined;
}

async function isRefused(hands: Hands, seat: Seat): Promise<void> {
  const { refusals } = seat;
  seat.node.start();
  await hands.within(START_MILLIS_MAX, () => seat.refusals > refusals);
}
