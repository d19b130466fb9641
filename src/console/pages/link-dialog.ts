import type { Link, ObjectName } from "../api/shapes.ts";
import { h, html, type View } from "../html.ts";
import { client } from "../state/session.ts";
import { Copy, failureBox, time } from "../ui/bits.ts";
import { Dialog } from "../ui/dialog.ts";
import { checkField, SelectField } from "../ui/fields.ts";
import { useAction } from "../ui/load.ts";
import { useId, useState } from "../vendor/preact-hooks.js";

export interface LinkDialogProps {
  readonly bucket: string;
  readonly name: ObjectName;
  readonly onClose: () => void;
}

const EXPIRIES = [
  { value: "300", name: "5 minutes" },
  { value: "3600", name: "1 hour" },
  { value: "86400", name: "1 day" },
  { value: "604800", name: "7 days" },
] as const;

/** Makes a link that works without a credential. */
export function LinkDialog({ bucket, name, onClose }: LinkDialogProps): View {
  const [expiry, setExpiry] = useState<string>("3600");
  const [download, setDownload] = useState(true);
  const [made, setMade] = useState<Link | undefined>(undefined);
  const action = useAction(async () => {
    const body = { key: name.key, versionId: name.versionId, expiresSeconds: Number(expiry), download };
    setMade(await client.call("presign", { path: { bucket }, body }));
  });
  const onSubmit = (event: Event): void => {
    event.preventDefault();
    action.start();
  };
  const hint = "It ends earlier where your access key does.";
  const content = html`<div>
    <p>Whoever has the link can read <strong>${bucket}/${name.key}</strong> until it expires, without signing in.</p>
    <form onSubmit=${onSubmit}>
      ${h(SelectField, { label: "Works for", value: expiry, onValue: setExpiry, choices: EXPIRIES, hint })}
      ${checkField({ label: "Browsers save the file instead of showing it", checked: download, onChecked: setDownload })}
      ${failureBox(action.failure)}
      <div class="buttons">
        <button type="submit" class="primary" aria-disabled=${action.busy}>Make link</button>
        <button type="button" onClick=${onClose}>Close</button>
      </div>
    </form>
    <div role="status">${made && h(MadeLink, { made })}</div>
  </div>`;
  return h(Dialog, { title: "Share by link", onClose, content });
}

function MadeLink({ made }: { readonly made: Link }): View {
  const id = useId();
  const onFocus = (event: Event): void => (event.target as HTMLInputElement).select();
  return html`<div class="made">
    <label for=${id}>The link, until ${time(made.expiresAt)}</label>
    <span class="joined">
      <input id=${id} readonly value=${made.url} onFocus=${onFocus} />
      ${h(Copy, { text: made.url, what: "link" })}
    </span>
  </div>`;
}
