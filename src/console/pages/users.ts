import { urlOf } from "../api/operations.ts";
import { h, html, type View } from "../html.ts";
import { formatCount } from "../model/format.ts";
import type { Route } from "../model/route.ts";
import { navigate } from "../state/navigation.ts";
import { tell } from "../state/notices.ts";
import { client } from "../state/session.ts";
import { failureBox, link, mark, time } from "../ui/bits.ts";
import { FormDialog } from "../ui/dialog.ts";
import { checkField, TextField } from "../ui/fields.ts";
import { useLoad } from "../ui/load.ts";
import { Page } from "../ui/page.ts";
import { pager } from "../ui/pager.ts";
import { table } from "../ui/table.ts";
import { useState } from "../vendor/preact-hooks.js";

const LIMIT = 100;

/** Of users and policies. */
export const NAME_HINT = "Letters, digits and _ + = , . @ -";

/** Who may do something here, beside the root key. */
export function UsersPage({ route }: { readonly route: Extract<Route, { page: "users" }> }): View {
  const { after } = route;
  const [creating, setCreating] = useState(false);
  const query = { after, limit: LIMIT };
  const users = useLoad(after ?? "", (signal) => client.call("listUsers", { query, signal }));
  const actions = html`<button type="button" class="primary" onClick=${() => setCreating(true)}>Create user</button>`;
  const content = html`<div>
    ${failureBox(users.failure, users.reload)}
    ${
      users.value &&
      table({
        caption: "Users",
        rows: users.value.items,
        keyOf: ({ name }) => name,
        empty:
          "There is no user beside the root key. Create one for each program and person, and give it only what it needs.",
        columns: [
          { title: "Name", head: true, cell: ({ name: user }) => link({ page: "user", user }, user) },
          { title: "State", cell: ({ enabled }) => enabledMark(enabled) },
          { title: "Policies", cell: ({ policies }) => (policies.length === 0 ? "none" : policies.join(", ")) },
          { title: "Keys", numeric: true, cell: ({ keyCount }) => formatCount(keyCount) },
          { title: "Created", cell: ({ createdAt }) => time(createdAt) },
        ],
      })
    }
    ${pager("users", after !== undefined && { page: "users" }, users.value?.next && { page: "users", after: users.value.next })}
    ${creating && h(CreateUserDialog, { onClose: () => setCreating(false) })}
  </div>`;
  return h(Page, { route, title: "Users and keys", actions, json: urlOf("listUsers", { query }), content });
}

export function enabledMark(enabled: boolean): View {
  return enabled ? mark("good", "Enabled") : mark("warning", "Disabled");
}

function CreateUserDialog({ onClose }: { readonly onClose: () => void }): View {
  const [user, setUser] = useState("");
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const policies = useLoad("policies", (signal) => client.call("listPolicies", { query: { limit: 1000 }, signal }));
  const choose = (name: string, on: boolean): void =>
    setChosen(on ? [...chosen, name] : chosen.filter((each) => each !== name));
  const onSubmit = async (): Promise<void> => {
    await client.call("createUser", { path: { user }, body: { policies: chosen } });
    tell(`User ${user} was created. Make an access key for it next.`);
    navigate({ page: "user", user });
  };
  const content = html`<div>
    ${h(TextField, { label: "Name", value: user, onValue: setUser, hint: NAME_HINT, required: true, lengthMax: 64, first: true })}
    <fieldset class="choices">
      <legend>Policies</legend>
      ${failureBox(policies.failure, policies.reload)}
      ${(policies.value?.items ?? []).map(({ name }) =>
        checkField({ label: name, checked: chosen.includes(name), onChecked: (on) => choose(name, on) }),
      )}
    </fieldset>
  </div>`;
  return h(FormDialog, { title: "Create user", submit: "Create", content, onSubmit, onClose });
}
