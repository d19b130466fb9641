import { h, html, type View } from "../../html.ts";
import { NODES } from "../../model/sim/action.ts";
import type { Flight } from "../../model/sim/flights.ts";
import { BOX, labelPlaceOf, laneOf, NODE_RADIUS, placeOf, placeOfFlight } from "../../model/sim/geometry.ts";
import { kindOf } from "../../model/sim/labels.ts";
import { type NodeView, viewOf } from "../../model/sim/view.ts";
import { act, frame, player, revision, selected } from "../../state/sim.ts";
import { useEffect, useState } from "../../vendor/preact-hooks.js";

/** A longer one gets smaller letters, or it would not fit into its disc. */
const ROLE_LENGTH_MAX = 10;
const PAIRS: readonly (readonly [number, number])[] = NODES.flatMap((one) =>
  NODES.filter((other) => other > one).map((other) => [one, other] as const),
);

/** The group from above. All that a click does here the buttons beside it do too, so the picture is one image to who can not see it. */
export function Picture(): View {
  revision.value;
  const views = player.value.simulation.members.map(viewOf);
  const label = `The group: ${views.map(({ id, role, term }) => `node ${id} ${role}, term ${term}`).join("; ")}.`;
  return html`<svg class="picture" viewBox=${`0 0 ${BOX.width} ${BOX.height}`} role="img" aria-label=${label}>
    ${PAIRS.map(([one, other]) => link(one, other))} ${views.map(node)} ${h(FlightLayer, {})}
  </svg>`;
}

/** Both directions; a click cuts both, or mends both where one of them is cut. */
function link(one: number, other: number): View {
  const { links } = player.value.simulation;
  const directions = [
    [one, other],
    [other, one],
  ] as const;
  const isCut = directions.map(([from, to]) => links.link(from, to).isCut);
  const onClick = (): void => {
    const kind = isCut.includes(true) ? "mend" : "cut";
    for (const [from, to] of directions) act({ kind, from, to });
  };
  const a = placeOf(one);
  const b = placeOf(other);
  return html`<g class="link" key=${`${one}-${other}`} onClick=${onClick}>
    <line class="grip" x1=${a.x} y1=${a.y} x2=${b.x} y2=${b.y} />
    ${directions.map(([from, to], at) => direction(from, to, isCut[at]!))}
  </g>`;
}

function direction(from: number, to: number, isCut: boolean): View {
  const lane = laneOf(from, to);
  const x = lane.from.x * 0.65 + lane.to.x * 0.35;
  const y = lane.from.y * 0.65 + lane.to.y * 0.35;
  return html`<g class=${isCut ? "way way-cut" : "way"}>
    <line x1=${lane.from.x} y1=${lane.from.y} x2=${lane.to.x} y2=${lane.to.y} />
    ${isCut && html`<path d=${`M${x - 4} ${y - 4}l8 8m0 -8l-8 8`} />`}
  </g>`;
}

function node({ id, state, role, isLeader, term, vote, commit, applied }: NodeView): View {
  const { x, y } = placeOf(id);
  const label = labelPlaceOf(id);
  const kind = state === "crashed" ? "crashed" : state === "paused" ? "paused" : isLeader ? "leader" : "up";
  const isSelected = selected.value === id;
  return html`<g class=${`node node-${kind}${isSelected ? " node-selected" : ""}`} key=${id} onClick=${() => (selected.value = id)}>
    ${isSelected && html`<circle class="ring" cx=${x} cy=${y} r=${NODE_RADIUS + 5} />`}
    <circle class="disc" cx=${x} cy=${y} r=${NODE_RADIUS} />
    ${isLeader && state !== "crashed" && html`<circle class="inner" cx=${x} cy=${y} r=${NODE_RADIUS - 4} />`}
    <text class="id" x=${x} y=${y - 4}>${id}</text>
    <text class=${role.length > ROLE_LENGTH_MAX ? "role role-long" : "role"} x=${x} y=${y + 11}>${role}</text>
    <text class="facts-line" x=${label.x} y=${label.y}>term ${term}${vote === 0 ? "" : `, voted ${vote}`}</text>
    <text class="facts-line" x=${label.x} y=${label.y + 14}>commit ${commit}, applied ${applied}</text>
  </g>`;
}

function FlightLayer(): View {
  frame.value;
  const isStill = useReducedMotion();
  const { flights, now } = player.value.simulation;
  return html`<g class="flights">${[...flights.all].map((flight) => message(flight, now.millis, isStill))}</g>`;
}

/** A circle asks, a diamond answers; a crossed diamond refuses. The letter is the kind, the number the term. */
function message(flight: Flight, nowMillis: number, isStill: boolean): View {
  const place = placeOfFlight(flight, nowMillis, isStill);
  if (place === undefined) return null;
  const { x, y } = place;
  const { letter, family, isResponse } = kindOf(flight.type);
  const isLost = flight.lostMillis !== undefined && flight.lostMillis <= nowMillis;
  return html`<g class=${`message message-${family}${isLost ? " message-lost" : ""}`} key=${flight.sequence}>
    ${
      isResponse
        ? html`<path class="body" d=${`M${x} ${y - 10}l10 10l-10 10l-10 -10z`} />`
        : html`<circle class="body" cx=${x} cy=${y} r=${flight.entries > 0 ? 9.5 : 7.5} />`
    }
    <text x=${x} y=${y + 3.5}>${letter}</text>
    <text class="message-term" x=${x + 9} y=${y - 7}>${flight.term === 0 ? "" : flight.term}</text>
    ${(flight.isRejection || isLost) && html`<path class="cross" d=${`M${x - 8} ${y - 8}l16 16m0 -16l-16 16`} />`}
  </g>`;
}

function useReducedMotion(): boolean {
  const query = window.matchMedia("(prefers-reduced-motion: reduce)");
  const [isReduced, setReduced] = useState(query.matches);
  useEffect(() => {
    const onChange = (): void => setReduced(query.matches);
    query.addEventListener("change", onChange);
    return () => query.removeEventListener("change", onChange);
  }, []);
  return isReduced;
}
