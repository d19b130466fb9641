import type { FrameHead } from "./frame.ts";

/** Late frames of so many earlier lives of a node are known for what they are. */
const LIVES_MAX = 8;
/** As long as a leader may be silent. */
const SILENT_TICKS = 10;

interface Peer {
  /** The number of the last frame, by life. */
  readonly lives: Map<number, number>;
  last: number;
  heardAtTick: number;
}

/** What was heard of other nodes: a frame counts once, and not behind a later one of the same life. */
export class PeerLives {
  readonly #peers = new Map<number, Peer>();

  accepts(from: number, { life, number }: FrameHead, tick: number): boolean {
    let peer = this.#peers.get(from);
    if (peer === undefined) this.#peers.set(from, (peer = { lives: new Map(), last: life, heardAtTick: tick }));
    peer.heardAtTick = tick;
    if (number <= (peer.lives.get(life) ?? 0)) return false;
    // The one that was heard last goes last.
    if (peer.last !== life) peer.lives.delete(life);
    peer.lives.set(life, number);
    peer.last = life;
    if (peer.lives.size > LIVES_MAX) peer.lives.delete(peer.lives.keys().next().value!);
    return true;
  }

  /** The life in which the node was heard last, 0 for never. */
  lastOf(node: number): number {
    return this.#peers.get(node)?.last ?? 0;
  }

  silentSince(tick: number): readonly number[] {
    const silent: number[] = [];
    for (const [id, peer] of this.#peers) if (peer.heardAtTick + SILENT_TICKS <= tick) silent.push(id);
    return silent;
  }
}
