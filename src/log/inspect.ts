import type { Disk } from "../env/index.ts";
import type { FrameSeen } from "./group-reader.ts";
import { LOG_DEFAULTS } from "./options.ts";
import { laterProof, listSegments, mendTail, readSegment, scanFrames } from "./recovery.ts";
import { offsetOf, type Segment } from "./segment.ts";

export interface SegmentReport {
  readonly segment: Segment;
  readonly frames: readonly FrameSeen[];
  /** Position behind the last frame that can be read. */
  readonly end: number;
  /** Undefined where what follows `end` is a torn tail, or the next segment. */
  readonly damage: LogDamage | undefined;
}

export interface LogDamage {
  readonly position: number;
  /** In the segment's file. */
  readonly offset: number;
  /** Position of a frame which proves that the log had been synced beyond. */
  readonly proof: number;
}

/** Reads a log that no node has open, segment by segment, without changing anything: for `ashlar log inspect`. */
export async function* inspectLog(disk: Disk, folder: string = LOG_DEFAULTS.folder): AsyncGenerator<SegmentReport> {
  let lastChecksum: number | undefined;
  for (const segment of await listSegments(disk, folder)) {
    const frames: FrameSeen[] = [];
    const bytes = await readSegment(disk, folder, segment);
    // As the next start will read it.
    await mendTail(disk, folder, segment, bytes);
    const scan = scanFrames(bytes, segment, lastChecksum, (frame) => frames.push(frame));
    lastChecksum = scan.lastChecksum;
    const proof = laterProof(bytes, segment, scan.end);
    const place = { position: scan.end, offset: offsetOf(segment, scan.end) };
    yield { segment, frames, end: scan.end, damage: proof === undefined ? undefined : { ...place, proof } };
  }
}
