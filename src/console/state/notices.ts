import { type Signal, signal } from "../vendor/signals.js";

/** What an act came to. It is read aloud and stays until the next one, the next page, or until it is put away. */
export interface Notice {
  readonly id: number;
  readonly text: string;
}

export const notice: Signal<Notice | undefined> = signal<Notice | undefined>(undefined);
let count = 0;

export function tell(text: string): void {
  notice.value = { id: ++count, text };
}

export function clearNotices(): void {
  notice.value = undefined;
}
