import { invariant } from "../../kernel/index.ts";
import type { Seat } from "../seat.ts";

/** Two processes never act as one node: not on a copy of its directory, not on one that was put back, not after its removal. */
export function checkReady(seat: Seat, seats: readonly Seat[]): void {
  const { state, member, name } = seat;
  const told = (): string => `node ${member} at ${name}`;
  invariant(state !== "impostor", "a server comes up on a data directory that is a copy, or was put back", told);
  const isLate = state === "removed" && seat.beganMillis > seat.removedMillis;
  invariant(!isLate, "a node comes up that was removed", told);
  const twin = seats.find((other) => other !== seat && other.member === member && other.server !== undefined);
  invariant(twin === undefined, "two processes act as one node", () => `${told()} and at ${twin?.name}`);
}
