import type { AccessKey, NewAccessKey } from "../api/shapes.ts";
import { h, html, type View } from "../html.ts";
import { tell } from "../state/notices.ts";
import { client } from "../state/session.ts";
import { copyable, day, factList, failureBox, mark, time } from "../ui/bits.ts";
import { Dialog, FormDialog } from "../ui/dialog.ts";
import { SelectField, TextField } from "../ui/fields.ts";
import { type Loaded, useAction, useLoad } from "../ui/load.ts";
import { table } from "../ui/table.ts";
import { useState } from "../vendor/preact-hooks.js";

const DAY_MILLIS = 86_400_000;
const EXPIRIES = [
  { value: "", name: "Never" },
  { value: "1", name: "In a day" },
  { value: "30", name: "In 30 days" },
  { value: "90", name: "In 90 days" },
  { value: "365", name: "In a year" },
] as const;

type DialogState = "create" | { readonly made: NewAccessKey } | { readonly remove: AccessKey } | undefined;

/** A user's access keys. A secret is shown when its key is made, and never again. */
export function AccessKeys({ user }: { readonly user: string }): View {
  const keys = useLoad(user, (signal) => client.call("listUserAccessKeys", { path: { user }, signal }));
  const [dialog, setDialog] = useState<DialogState>(undefined);
  const close = (): void => setDialog(undefined);
  const onMade = (made: NewAccessKey): void => {
    setDialog({ made });
    keys.reload();
  };
  return html`<section aria-labelledby="keys">
    <div class="section-head">
      <h2 id="keys">Access keys</h2>
      <button type="button" onClick=${() => setDialog("create")}>Create access key</button>
    </div>
    ${failureBox(keys.failure, keys.reload)} ${keys.value && keyTable(user, keys, (remove) => setDialog({ remove }))}
    ${dialog === "create" && h(CreateKeyDialog, { user, onClose: close, onMade })}
    ${typeof dialog === "object" && "made" in dialog && h(SecretDialog, { made: dialog.made, onClose: close })}
    ${
      typeof dialog === "object" &&
      "remove" in dialog &&
      h(DeleteKeyDialog, { accessKey: dialog.remove, onClose: close, onDeleted: keys.reload })
    }
  </section>`;
}

function keyTable(
  user: string,
  keys: Loaded<{ readonly items: readonly AccessKey[] }>,
  onRemove: (key: AccessKey) => void,
): View {
  return table({
    caption: `Access keys of ${user}`,
    rows: keys.value?.items ?? [],
    keyOf: ({ id }) => id,
    empty: "No access key: this user can not sign anything yet.",
    columns: [
      { title: "Id", head: true, cell: ({ id }) => html`<code>${id}</code>` },
      { title: "State", cell: stateMark },
      { title: "Description", cell: ({ description }) => description },
      { title: "Last used", cell: ({ lastUsedAt }) => (lastUsedAt === undefined ? "never" : day(lastUsedAt)) },
      { title: "Expires", cell: ({ expiresAt }) => (expiresAt === undefined ? "never" : time(expiresAt)) },
      {
        ...{ title: "Actions", titleHidden: true },
        cell: (accessKey) => h(KeyActions, { accessKey, reload: keys.reload, onRemove: () => onRemove(accessKey) }),
      },
    ],
  });
}

function stateMark({ enabled, expiresAt }: AccessKey): View {
  if (!enabled) return mark("warning", "Disabled");
  if (expiresAt !== undefined && Date.parse(expiresAt) <= Date.now()) return mark("warning", "Expired");
  return mark("good", "Enabled");
}

interface KeyActionsProps {
  readonly accessKey: AccessKey;
  readonly reload: () => void;
  readonly onRemove: () => void;
}

function KeyActions({ accessKey: { id, user, enabled }, reload, onRemove }: KeyActionsProps): View {
  const toggle = useAction(async () => {
    await client.call("updateAccessKey", { path: { user, key: id }, body: { enabled: !enabled } });
    tell(`Access key ${id} is ${enabled ? "disabled" : "enabled"}.`);
    reload();
  });
  const hidden = html`<span class="hidden"> ${id}</span>`;
  return html`<span class="row-buttons">
    <button type="button" class="small" aria-disabled=${toggle.busy} onClick=${toggle.start}>
      ${enabled ? "Disable" : "Enable"}${hidden}
    </button>
    <button type="button" class="small danger" onClick=${onRemove}>Delete${hidden}</button>
    ${failureBox(toggle.failure)}
  </span>`;
}

interface CreateKeyProps {
  readonly user: string;
  readonly onClose: () => void;
  readonly onMade: (made: NewAccessKey) => void;
}

function CreateKeyDialog({ user, onClose, onMade }: CreateKeyProps): View {
  const [description, setDescription] = useState("");
  const [days, setDays] = useState<string>("");
  const action = useAction(async () => {
    const expiresAt = days === "" ? {} : { expiresAt: new Date(Date.now() + Number(days) * DAY_MILLIS).toISOString() };
    onMade(await client.call("createAccessKey", { path: { user }, body: { description, ...expiresAt } }));
  });
  const onSubmit = (event: Event): void => {
    event.preventDefault();
    action.start();
  };
  const hint = "What uses the key, so that you know it a year from now.";
  const content = html`<form onSubmit=${onSubmit}>
    ${h(TextField, { label: "Description", value: description, onValue: setDescription, hint, lengthMax: 256, first: true })}
    ${h(SelectField, { label: "Expires", value: days, onValue: setDays, choices: EXPIRIES })}
    ${failureBox(action.failure)}
    <div class="buttons">
      <button type="submit" class="primary" aria-disabled=${action.busy}>Create</button>
      <button type="button" onClick=${onClose}>Cancel</button>
    </div>
  </form>`;
  return h(Dialog, { title: `Create access key for ${user}`, onClose, content });
}

function SecretDialog({ made, onClose }: { readonly made: NewAccessKey; readonly onClose: () => void }): View {
  const content = html`<div>
    <p>${mark("warning", "This is the only time that the secret is shown.")} Store it before you close this.</p>
    ${factList([
      { name: "Access key", value: copyable(made.id, "access key") },
      { name: "Secret key", value: copyable(made.secret, "secret key") },
    ])}
    <div class="buttons"><button type="button" class="primary" onClick=${onClose}>I have stored it</button></div>
  </div>`;
  return h(Dialog, { title: `New access key of ${made.user}`, sticky: true, onClose, content });
}

interface DeleteKeyProps {
  readonly accessKey: AccessKey;
  readonly onClose: () => void;
  readonly onDeleted: () => void;
}

function DeleteKeyDialog({ accessKey: { id, user, description }, onClose, onDeleted }: DeleteKeyProps): View {
  const onSubmit = async (): Promise<void> => {
    await client.call("deleteAccessKey", { path: { user, key: id } });
    tell(`Access key ${id} was deleted.`);
    onDeleted();
  };
  const content = html`<p>The access key <strong>${id}</strong> of ${user}${description && ` (${description})`} is deleted.
    What uses it is refused at once, and links that were signed with it end.</p>`;
  return h(FormDialog, {
    title: "Delete access key?",
    submit: "Delete access key",
    dangerous: true,
    content,
    onSubmit,
    onClose,
  });
}
