import type { Clock } from "../env/index.ts";
import type { PeerEvent } from "../peer/index.ts";
import { errorFields, type Logger } from "./logger.ts";

/** Of a stranger who comes again and again for the same reason one line is enough for so long. */
const STRANGER_MILLIS = 60_000;
const STRANGERS_MAX = 1000;

/**
 * Writes what happens between the nodes to the log. A node that can not be reached is tried several times a second: it is
 * told once, and again when the reason is another one or when it has been there meanwhile.
 */
export function tellOfPeers(logger: Logger, clock: Pick<Clock, "monotonic">): (event: PeerEvent) => void {
  const reasons = new Map<number, string>();
  const strangers = new Map<string, number>();
  const isStrange = (who: string): boolean => {
    const nowMillis = clock.monotonic();
    for (const [told, atMillis] of strangers) {
      if (nowMillis - atMillis < STRANGER_MILLIS && strangers.size < STRANGERS_MAX) break;
      strangers.delete(told);
    }
    if (strangers.has(who)) return false;
    strangers.set(who, nowMillis);
    return true;
  };
  const isNews = (node: number, reason: string): boolean => {
    const isOther = reasons.get(node) !== reason;
    reasons.set(node, reason);
    return isOther;
  };
  return (event) => {
    switch (event.kind) {
      case "failed": {
        const { node, error } = event;
        const { code, message } = errorFields(error);
        if (isNews(node, String(code ?? message))) logger.warning("peer.failed", { node, ...errorFields(error) });
        return;
      }
      case "refused": {
        const { kind: _, direction, node, reason, ...fields } = event;
        const isRepeated = direction === "out" && node !== undefined && !isNews(node, reason);
        if (!isRepeated) logger.warning("peer.refused", { direction, node, reason, ...fields });
        return;
      }
      case "connected":
        if (event.direction === "out") reasons.delete(event.node);
        logger.info("peer.connected", {
          node: event.node,
          direction: event.direction,
          remoteAddress: event.remoteAddress,
        });
        return;
      case "lost":
        logger.info("peer.lost", { node: event.node, direction: event.direction, ...orNothing(event.error) });
        return;
      case "call-failed":
        logger.error("peer.call-failed", event.error);
        return;
      case "stranger": {
        const { remoteAddress, error } = event;
        const fields: Record<string, unknown> = orNothing(error);
        const who = `${remoteAddress} ${fields["code"]} ${fields["reason"]}`;
        if (isStrange(who)) logger.info("peer.stranger", { remoteAddress, ...fields });
      }
    }
  };
}

function orNothing(error: Error | undefined): Record<string, unknown> {
  return error === undefined ? {} : errorFields(error);
}
