// The one place where a simulation touches the event loop: between two events it gives one turn away, so that every
// microtask runs. Simulated code never does.
//
// A round trip through the event loop costs ten times as much as an event. So many turns are asked for at once: the
// loop takes them one after the other and runs all microtasks between any two of them.

const TURNS_MAX = 128;

const waiting: (() => void)[] = [];
let channel: InstanceType<typeof MessageChannel> | undefined;
const { setImmediate: nextTurn } = globalThis as { setImmediate?: (run: () => void) => unknown };

/** Calls `step` once a turn, with no microtask left over from the turn before, until it gives false. */
export function inTurns(step: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let isDone = false;
    let asked = 0;
    // A short run does not ask for turns that it will not use.
    let next = 1;
    const ask = (): void => {
      asked = next;
      next = Math.min(TURNS_MAX, next * 2);
      for (let left = asked; left > 0; left--) request(turn);
    };
    const turn = (): void => {
      if (isDone) return;
      try {
        if (step()) {
          if (--asked === 0) ask();
          return;
        }
        isDone = true;
        resolve();
      } catch (error) {
        isDone = true;
        reject(error);
      }
    };
    ask();
  });
}

function request(turn: () => void): void {
  if (nextTurn !== undefined) {
    nextTurn(turn);
    return;
  }
  // A browser: its timers would wait for milliseconds.
  if (channel === undefined) {
    channel = new MessageChannel();
    channel.port1.addEventListener("message", () => waiting.shift()?.());
    channel.port1.start();
  }
  waiting.push(turn);
  channel.port2.postMessage(undefined);
}
