import { html, type View } from "../html.ts";
import { tell } from "../state/notices.ts";
import { client } from "../state/session.ts";
import { failureBox, time } from "../ui/bits.ts";
import { useAction, useLoad } from "../ui/load.ts";
import { table } from "../ui/table.ts";
import { useRef } from "../vendor/preact-hooks.js";

/** Where a user is signed in to the console. */
export function UserSessions({ user }: { readonly user: string }): View {
  const sessions = useLoad(user, (signal) => client.call("listSessions", { path: { user }, signal }));
  const session = useRef("");
  const revoke = useAction(async () => {
    await client.call("revokeSession", { path: { user, session: session.current } });
    tell(`A session of ${user} was ended.`);
    sessions.reload();
  });
  const end = (id: string): void => {
    session.current = id;
    revoke.start();
  };
  return html`<section aria-labelledby="sessions">
    <h2 id="sessions">Sessions</h2>
    ${failureBox(sessions.failure ?? revoke.failure)}
    ${
      sessions.value &&
      table({
        caption: `Sessions of ${user}`,
        rows: sessions.value.items,
        keyOf: ({ id }) => id,
        empty: "This user is not signed in anywhere.",
        columns: [
          { title: "From", head: true, cell: ({ address }) => html`<code>${address}</code>` },
          { title: "Access key", cell: ({ accessKeyId }) => html`<code>${accessKeyId}</code>` },
          { title: "Last seen", cell: ({ seenAt }) => time(seenAt) },
          { title: "Browser", cell: ({ userAgent }) => html`<span class="quiet">${userAgent}</span>` },
          {
            ...{ title: "End", titleHidden: true },
            cell: ({ id, address }) =>
              html`<button type="button" class="small" onClick=${() => end(id)}>
                End<span class="hidden"> the session from ${address}</span>
              </button>`,
          },
        ],
      })
    }
  </section>`;
}
