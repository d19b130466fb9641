import type { Disk } from "../../env/index.ts";
import { Log, type LogRecord } from "../../log/index.ts";

/** A log with small segments on a disk without faults. */
export function openLog(disk: Disk, segmentBytes: number = 64 * 1024): Promise<Log> {
  let seed = 1;
  const random = {
    u32: () => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0),
    bytes: () => new Uint8Array(16),
  };
  const onFatal = (error: Error): void => {
    throw error;
  };
  return Log.open({ disk, random }, { options: { segmentBytes }, onFatal });
}

export function appendTo(log: Log, ...records: LogRecord[]): Promise<void> {
  return new Promise((resolve, reject) => {
    log.append(records, (error) => (error === undefined ? resolve() : reject(error)));
  });
}
