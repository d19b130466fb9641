/** A connection with something to write. */
export interface Flushable {
  flush(): void;
}

let waiting: Flushable[] = [];
let isPlanned = false;

/**
 * Writes what all connections have sent in this turn of the event loop: once at its end, or already behind a callback
 * of Timers.endOfTurn, which is where those send who work in batches: they do not wait for another turn.
 */
export function flushAtEndOfTurn(connection: Flushable): void {
  waiting.push(connection);
  if (isPlanned) return;
  isPlanned = true;
  setImmediate(() => {
    isPlanned = false;
    flushNow();
  });
}

export function flushNow(): void {
  if (waiting.length === 0) return;
  const connections = waiting;
  waiting = [];
  for (const connection of connections) connection.flush();
}
