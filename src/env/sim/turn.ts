// The one place where a simulation touches the event loop: its driver gives one turn away so that every microtask runs.
// Simulated code never does.

const waiting: (() => void)[] = [];
let channel: InstanceType<typeof MessageChannel> | undefined;
const { setImmediate: nextTurn } = globalThis as { setImmediate?: (run: () => void) => unknown };

export function drainMicrotasks(): Promise<void> {
  return new Promise((resolve) => {
    if (nextTurn !== undefined) {
      nextTurn(resolve);
      return;
    }
    // A browser: its timers would wait for milliseconds.
    if (channel === undefined) {
      channel = new MessageChannel();
      channel.port1.addEventListener("message", () => waiting.shift()?.());
      channel.port1.start();
    }
    waiting.push(resolve);
    channel.port2.postMessage(undefined);
  });
}
