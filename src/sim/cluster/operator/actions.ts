import type { ActionName } from "./action-names.ts";
import type { Hands } from "./hands.ts";
import { beside, putBack } from "./impostors.ts";
import { drainAndResume, join, removeDead, removeDrained } from "./members.ts";

export interface Action {
  readonly run: (hands: Hands) => Promise<void>;
  /** While it is under way no disk is lost: it counts on those that are there. */
  readonly changesMembers: boolean;
}

/** What an operator does while the cluster is in use. An action that can not be taken at the moment does nothing. */
export const ACTIONS_BY_NAME: Readonly<Record<ActionName, Action>> = {
  restart: { run: restart, changesMembers: false },
  "drain-and-resume": { run: drainAndResume, changesMembers: true },
  "remove-drained": { run: removeDrained, changesMembers: true },
  "remove-dead": { run: removeDead, changesMembers: true },
  join: { run: join, changesMembers: true },
  "copied-directory": { run: beside, changesMembers: true },
  "old-directory": { run: putBack, changesMembers: true },
};

/** How long a server may take to let its requests end. */
const STOP_MILLIS = 15_000;

/** As SIGTERM does. */
export async function restart({ serving, client, counts }: Hands): Promise<void> {
  if (serving.length === 0) return;
  const { server, context, name } = client.prng.pick(serving);
  client.trace("operator", `stops ${name}`);
  await client.within(STOP_MILLIS, Promise.resolve(server![Symbol.asyncDispose]()));
  context!.exit("was stopped");
  counts["restarts"]!++;
}
