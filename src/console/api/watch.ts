import { urlOf } from "./operations.ts";
import type { NodeEvent, Sample } from "./shapes.ts";

export interface WatchListener {
  onOpen(): void;
  onSample(sample: Sample): void;
  onEvent(event: NodeEvent): void;
  /** Messages were missed, because this page was slow. */
  onLost(): void;
  /** The stream broke; `refused` where the server did not grant it, and the browser will not try again. */
  onBreak(refused: boolean): void;
}

/** The one stream of samples and events; the result ends it. The browser connects again by itself, from the last event that it saw. */
export function watch(listener: WatchListener): () => void {
  const source = new EventSource(urlOf("watch", {}));
  source.addEventListener("open", () => listener.onOpen());
  source.addEventListener("sample", ({ data }) => listener.onSample(JSON.parse(data)));
  source.addEventListener("event", ({ data }) => listener.onEvent(JSON.parse(data)));
  source.addEventListener("lost", () => listener.onLost());
  source.addEventListener("error", () => listener.onBreak(source.readyState === EventSource.CLOSED));
  return () => source.close();
}
