export interface LogOptions {
  /** Folder on the disk. */
  readonly folder: string;
  /** Length of a segment file; a record can be at most a quarter of it. */
  readonly segmentBytes: number;
  /** Records that one write takes together. */
  readonly batchBytesMax: number;
  /** Emptied segments that are kept to be used again instead of being removed. */
  readonly spareSegmentsMax: number;
}

export const LOG_DEFAULTS: LogOptions = {
  folder: "log",
  segmentBytes: 64 * 1024 * 1024,
  batchBytesMax: 8 * 1024 * 1024,
  spareSegmentsMax: 2,
};
