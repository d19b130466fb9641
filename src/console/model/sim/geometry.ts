// Where things stand in the picture.

import { NODES } from "./action.ts";
import type { Flight } from "./flights.ts";

export interface Point {
  readonly x: number;
  readonly y: number;
}

export const BOX = { width: 400, height: 388 } as const;
export const NODE_RADIUS = 33;
const CENTER: Point = { x: 200, y: 206 };
const CIRCLE_RADIUS = 136;
/** The two directions of a link lie beside each other, so far from the middle. */
const LANE = 4;
/** So far a label over a node stands away from the middle. */
const LABEL_OUTWARD = 10;
/** What is left of a lost message is seen for so long. */
const REMAINS_MILLIS = 400;
/** Without motion a message stands near its sender, then near its receiver. */
const STILL_SHARES: readonly number[] = [0.28, 0.72];

export function placeOf(id: number): Point {
  const angle = ((id - 1) / NODES.length) * 2 * Math.PI - Math.PI / 2;
  return { x: CENTER.x + CIRCLE_RADIUS * Math.cos(angle), y: CENTER.y + CIRCLE_RADIUS * Math.sin(angle) };
}

export interface Lane {
  readonly from: Point;
  readonly to: Point;
}

/** From the edge of one node to that of the other, on the right-hand side. */
export function laneOf(from: number, to: number): Lane {
  const start = placeOf(from);
  const end = placeOf(to);
  const length = Math.hypot(end.x - start.x, end.y - start.y);
  const along = { x: (end.x - start.x) / length, y: (end.y - start.y) / length };
  const at = (point: Point, distance: number): Point => ({
    x: point.x + along.x * distance - along.y * LANE,
    y: point.y + along.y * distance + along.x * LANE,
  });
  return { from: at(start, NODE_RADIUS + 2), to: at(end, -NODE_RADIUS - 2) };
}

/** Where a message is; undefined where nothing is to be seen of it any more. */
export function placeOfFlight(flight: Flight, nowMillis: number, isStill: boolean): Point | undefined {
  const { sentMillis, arrivalMillis, lostMillis } = flight;
  if (lostMillis !== undefined && nowMillis > lostMillis + REMAINS_MILLIS) return undefined;
  const moment = Math.min(nowMillis, lostMillis ?? nowMillis);
  const share = Math.min(1, Math.max(0, (moment - sentMillis) / Math.max(1, arrivalMillis - sentMillis)));
  const shown = isStill ? STILL_SHARES[share < 0.5 ? 0 : 1]! : share;
  const { from, to } = laneOf(flight.from, flight.to);
  return { x: from.x + (to.x - from.x) * shown, y: from.y + (to.y - from.y) * shown };
}

/** Of a label's first line: over the upper nodes and under the lower ones, where no link crosses it. */
export function labelPlaceOf(id: number): Point {
  const { x, y } = placeOf(id);
  if (y > CENTER.y) return { x, y: y + NODE_RADIUS + 15 };
  return { x: x + Math.sign(Math.round(x - CENTER.x)) * LABEL_OUTWARD, y: y - NODE_RADIUS - 24 };
}
