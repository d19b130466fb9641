// One watch of etcd over as many connections as it takes: each goes on behind the last event that came whole. etcd cuts
// a long response in fragments, which are joined here, so that nobody sees a part of a revision.

import type { WatchEvent, WatchResponse } from "./messages.ts";

export interface WatchSettings {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array;
  /** The first revision that is told. */
  readonly from: number;
  /** All events of one or more revisions, in order. */
  readonly onEvents: (events: readonly WatchEvent[]) => void;
  /** What came before this revision can not be told any more; the watch goes on from there. */
  readonly onLost: (revision: number) => void;
}

/** What a watch needs of a stream of gRPC: the client's own types are the caller's to install. */
export interface WatchStream {
  on(event: "data", listener: (response: WatchResponse) => void): unknown;
  on(event: "error" | "end", listener: () => void): unknown;
  write(request: object): unknown;
  cancel(): void;
}

const RETRY_MILLIS = 200;

export class EtcdWatch {
  readonly #settings: WatchSettings;
  readonly #connect: () => Promise<WatchStream>;
  #next: number;
  #stream: WatchStream | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(settings: WatchSettings, connect: () => Promise<WatchStream>) {
    this.#settings = settings;
    this.#connect = connect;
    this.#next = settings.from;
    void this.#begin();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#stream?.cancel();
  }

  async #begin(): Promise<void> {
    let stream: WatchStream;
    try {
      stream = await this.#connect();
    } catch {
      this.#again();
      return;
    }
    if (this.#closed) {
      stream.on("error", () => {});
      stream.cancel();
      return;
    }
    this.#stream = stream;
    let fragments: WatchEvent[] = [];
    stream.on("data", (response: WatchResponse) => {
      if (stream !== this.#stream) return;
      if (response.canceled) {
        if (response.compactRevision > 0) this.#lost(response);
        stream.cancel();
        return;
      }
      fragments.push(...response.events);
      if (response.fragment || fragments.length === 0) return;
      const events = fragments;
      fragments = [];
      this.#next = events.at(-1)!.kv.modRevision + 1;
      this.#settings.onEvents(events);
    });
    const ended = (): void => {
      if (stream !== this.#stream) return;
      this.#stream = undefined;
      this.#again();
    };
    stream.on("error", ended);
    stream.on("end", ended);
    const { key, rangeEnd } = this.#settings;
    stream.write({ create: { key, rangeEnd, startRevision: this.#next, fragment: true } });
  }

  #again(): void {
    if (this.#closed) return;
    this.#retry = setTimeout(() => void this.#begin(), RETRY_MILLIS);
  }

  #lost({ compactRevision }: WatchResponse): void {
    this.#next = Math.max(this.#next, compactRevision);
    this.#settings.onLost(this.#next - 1);
  }
}
