import { urlOf } from "../api/operations.ts";
import type { User } from "../api/shapes.ts";
import { h, html, type View } from "../html.ts";
import { type Route, routeHref } from "../model/route.ts";
import { navigate } from "../state/navigation.ts";
import { tell } from "../state/notices.ts";
import { client } from "../state/session.ts";
import { factList, failureBox, link, time } from "../ui/bits.ts";
import { FormDialog } from "../ui/dialog.ts";
import { SelectField } from "../ui/fields.ts";
import { useAction, useLoad } from "../ui/load.ts";
import { Page, trailOf } from "../ui/page.ts";
import { table } from "../ui/table.ts";
import { useState } from "../vendor/preact-hooks.js";
import { AccessKeys } from "./access-keys.ts";
import { UserSessions } from "./user-sessions.ts";
import { enabledMark } from "./users.ts";

/** One user: what it may do, its access keys and its sessions. */
export function UserPage({ route }: { readonly route: Extract<Route, { page: "user" }> }): View {
  const { user } = route;
  const path = { user };
  const [deleting, setDeleting] = useState(false);
  const info = useLoad(user, (signal) => client.call("getUser", { path, signal }));
  const toggle = useAction(async () => {
    const enabled = info.value?.enabled === false;
    await client.call("updateUser", { path, body: { enabled } });
    tell(`User ${user} is ${enabled ? "enabled" : "disabled: none of its keys works"}.`);
    info.reload();
  });
  const content = html`<div>
    ${failureBox(info.failure ?? toggle.failure, info.reload)}
    ${
      info.value &&
      html`<div>
        ${factList([
          { name: "State", value: enabledMark(info.value.enabled) },
          { name: "Created", value: time(info.value.createdAt) },
          { name: "Check", value: link({ page: "decision", user }, "What may this user do?") },
        ])}
        ${h(UserPolicies, { user: info.value, reload: info.reload })} ${h(AccessKeys, { user })} ${h(UserSessions, { user })}
      </div>`
    }
    ${deleting && h(DeleteUserDialog, { user, onClose: () => setDeleting(false) })}
  </div>`;
  const actions = html`${
    info.value &&
    html`<button type="button" aria-disabled=${toggle.busy} onClick=${toggle.start}>
      ${info.value.enabled ? "Disable user" : "Enable user"}
    </button>`
  }
  <button type="button" class="danger" onClick=${() => setDeleting(true)}>Delete user</button>`;
  const trail = trailOf([
    { name: "Users and keys", href: routeHref({ page: "users" }) },
    { name: user, href: undefined },
  ]);
  return h(Page, { route, title: user, trail, actions, json: urlOf("getUser", { path }), content });
}

interface UserPoliciesProps {
  readonly user: User;
  readonly reload: () => void;
}

function UserPolicies({ user: { name: user, policies: attached }, reload }: UserPoliciesProps): View {
  const all = useLoad("policies", (signal) => client.call("listPolicies", { query: { limit: 1000 }, signal }));
  const others = (all.value?.items ?? []).map(({ name }) => name).filter((name) => !attached.includes(name));
  const [chosen, setChosen] = useState("");
  const policy = others.includes(chosen) ? chosen : "";
  // None is chosen to begin with: the first by name lets its holder do everything.
  const choices = [{ value: "", name: "Choose one" }, ...others.map((name) => ({ value: name, name }))];
  const attach = useAction(async () => {
    await client.call("attachPolicy", { path: { user, policy } });
    tell(`Policy ${policy} was attached to ${user}.`);
    reload();
  });
  const onSubmit = (event: Event): void => {
    event.preventDefault();
    attach.start();
  };
  return html`<section aria-labelledby="policies">
    <h2 id="policies">Policies</h2>
    ${table({
      caption: `Policies of ${user}`,
      rows: attached,
      keyOf: (name) => name,
      empty: "No policy is attached, so this user may do nothing that a bucket's policy does not allow.",
      columns: [
        { title: "Policy", head: true, cell: (name) => link({ page: "policy", policy: name }, name) },
        { title: "Detach", titleHidden: true, cell: (name) => h(Detach, { user, policy: name, reload }) },
      ],
    })}
    ${failureBox(attach.failure ?? all.failure)}
    ${
      others.length > 0 &&
      html`<form class="line" onSubmit=${onSubmit}>
        ${h(SelectField, { label: "Another policy", value: policy, onValue: setChosen, choices })}
        <button type="submit" disabled=${policy === ""} aria-disabled=${attach.busy}>Attach</button>
      </form>`
    }
  </section>`;
}

function Detach({
  user,
  policy,
  reload,
}: {
  readonly user: string;
  readonly policy: string;
  readonly reload: () => void;
}): View {
  const detach = useAction(async () => {
    await client.call("detachPolicy", { path: { user, policy } });
    tell(`Policy ${policy} was detached from ${user}.`);
    reload();
  });
  return html`<span><button type="button" class="small" aria-disabled=${detach.busy} onClick=${detach.start}>
    Detach<span class="hidden"> ${policy}</span></button>${failureBox(detach.failure)}</span>`;
}

function DeleteUserDialog({ user, onClose }: { readonly user: string; readonly onClose: () => void }): View {
  const onSubmit = async (): Promise<void> => {
    await client.call("deleteUser", { path: { user } });
    tell(`User ${user} was deleted.`);
    navigate({ page: "users" });
  };
  const content = html`<p>The user <strong>${user}</strong> is deleted with its access keys and sessions.
    Programs that use them are refused at once.</p>`;
  return h(FormDialog, {
    title: `Delete user ${user}?`,
    submit: "Delete user",
    dangerous: true,
    content,
    onSubmit,
    onClose,
  });
}
