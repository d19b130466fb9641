import { html, type View } from "../../html.ts";
import { EXERCISES, type Exercise } from "../../model/sim/exercises.ts";
import { setScene } from "../../state/sim.ts";

/** Scenes to begin with. What they show is told at the top of the page, where it is then to be seen. */
export function Exercises(): View {
  const begin = (exercise: Exercise): void => {
    setScene(exercise);
    document.getElementById("page-title")?.focus();
    window.scrollTo(0, 0);
  };
  return html`<section aria-labelledby="sim-exercises">
    <h2 id="sim-exercises">Try this <span class="quiet">each sets its scene and runs on; a link to it works like any other</span></h2>
    <div class="buttons">
      ${EXERCISES.map(
        (exercise) =>
          html`<button type="button" key=${exercise.id} onClick=${() => begin(exercise)}>${exercise.title}</button>`,
      )}
    </div>
  </section>`;
}
