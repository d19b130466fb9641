// What every engine asks of a read before it does anything, and of the bytes that it found.

import { storeFailure } from "./errors.ts";
import { type ScanOptions, STORE_LIMITS } from "./store.ts";

/** Throws TOO_LARGE or REQUEST_INVALID. */
export function checkScanLimit({ limit }: ScanOptions): void {
  const { scanRowsMax } = STORE_LIMITS;
  if (!Number.isInteger(limit) || limit < 1) {
    throw storeFailure("REQUEST_INVALID", { what: "A scan's limit is a whole number from 1.", data: { limit } });
  }
  if (limit > scanRowsMax) {
    throw storeFailure("TOO_LARGE", {
      what: "The scan asks for more rows than one page may hold.",
      data: { limit, scanRowsMax },
    });
  }
}

/** Of `getMany`. Throws TOO_LARGE. */
export function checkRowsAsked(rows: number): void {
  const { getManyMax } = STORE_LIMITS;
  if (rows <= getManyMax) return;
  throw storeFailure("TOO_LARGE", {
    what: "More rows are asked for than one call may return.",
    data: { rows, rowsMax: getManyMax },
  });
}

/** Of the values that `getMany` has found so far. Throws TOO_LARGE. */
export function checkBytesRead(bytes: number): void {
  const { getManyBytesMax } = STORE_LIMITS;
  if (bytes <= getManyBytesMax) return;
  throw storeFailure("TOO_LARGE", {
    what: "The rows that are asked for hold more bytes than one call may return.",
    data: { bytesMax: getManyBytesMax },
  });
}
