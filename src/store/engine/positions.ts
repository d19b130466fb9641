// "KIND-PLACE.REVISION": revisions of one engine's data mean nothing in another one.

import { assert } from "../../std/assert.ts";
import { storeFailure } from "../errors.ts";
import type { Positions } from "../replicated/position.ts";

const FORM = /^([a-z][0-9]-[0-9a-z]{1,14})\.([0-9a-z]{1,11})$/;

/** `kind` tells engine and version of the form, as `e1`; `place` which data, in letters and digits. */
export function enginePositions(kind: string, place: string): Positions {
  const head = `${kind}-${place}`;
  assert(FORM.test(`${head}.0`), "a place in positions is short and plain");
  return {
    encode: (revision) => `${head}.${revision.toString(36)}`,
    decode(position) {
      const match = FORM.exec(position);
      const revision = match?.[1] === head ? Number.parseInt(match[2]!, 36) : Number.NaN;
      if (Number.isSafeInteger(revision)) return revision;
      throw storeFailure("POSITION_INVALID", { data: { position: position.slice(0, 64) } });
    },
  };
}
