/** Something that must never happen did. The simulation ends with it; a seed that comes to one has failed. */
export class Violation extends Error {
  override readonly name = "Violation";
  /** What does not hold, one sentence. */
  readonly invariant: string;
  /** Facts about this one case, one sentence or more; empty where there are none. */
  readonly detail: string;

  constructor(invariant: string, detail = "") {
    super(detail === "" ? invariant : `${invariant} (${detail})`);
    this.invariant = invariant;
    this.detail = detail;
  }
}

/** Checks an invariant. The sentence is a constant that says what is wrong; the detail is only made where it is. */
export function invariant(holds: boolean, sentence: string, detail?: () => string): asserts holds {
  if (!holds) throw new Violation(sentence, detail?.());
}
