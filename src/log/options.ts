export interface LogOptions {
  /** Folder on the disk. */
  readonly folder: string;
  /** Length of a segment file; a record can be at most a quarter of it. */
  readonly segmentBytes: number;
  /** Records that one write takes together. */
  readonly batchBytesMax: number;
  /** Emptied segments that are kept to be used again instead of being removed. */
  readonly spareSegmentsMax: number;
  /** Of a segment: entries of idle groups that one release may write again, so that the segments that hold them can go. */
  readonly movedPercentMax: number;
  /** Room in the last segment, at most a quarter of one, below which the log calls itself nearly full while it can have no other. */
  readonly reserveBytes: number;
}

export const LOG_DEFAULTS: LogOptions = {
  folder: "log",
  segmentBytes: 64 * 1024 * 1024,
  batchBytesMax: 8 * 1024 * 1024,
  spareSegmentsMax: 2,
  movedPercentMax: 25,
  reserveBytes: 4 * 1024 * 1024,
};
