import type { PolicyVerdict } from "../api/shapes.ts";
import { h, html, type View } from "../html.ts";
import { client } from "../state/session.ts";
import { failureBox, mark } from "../ui/bits.ts";
import { FormDialog } from "../ui/dialog.ts";
import { DocumentField } from "../ui/fields.ts";
import { useAction } from "../ui/load.ts";
import { useState } from "../vendor/preact-hooks.js";

export interface PolicyEditorProps {
  readonly label: string;
  readonly document: string;
  /** Checked as the policy of this bucket, else as one of users. */
  readonly bucket?: string;
  readonly example?: { readonly name: string; readonly document: string };
  readonly onSave: (document: string) => Promise<void>;
  readonly remove?: { readonly name: string; readonly question: string; readonly run: () => Promise<void> } | undefined;
}

/** A policy's text with a check that saves nothing. */
export function PolicyEditor({ label, document, bucket, example, onSave, remove }: PolicyEditorProps): View {
  const [text, setText] = useState(document);
  const [verdict, setVerdict] = useState<PolicyVerdict | undefined>(undefined);
  const [removing, setRemoving] = useState(false);
  const check = useAction(async () => {
    const body = bucket === undefined ? { document: text } : { document: text, bucket };
    setVerdict(await client.call("checkPolicy", { body }));
  });
  const save = useAction(() => onSave(text));
  const onValue = (value: string): void => {
    setVerdict(undefined);
    setText(value);
  };
  const onSubmit = (event: Event): void => {
    event.preventDefault();
    save.start();
  };
  return html`<form onSubmit=${onSubmit}>
    ${h(DocumentField, { label, value: text, onValue })}
    <div role="status">${verdict && verdictText(verdict)}</div>
    ${failureBox(save.failure ?? check.failure)}
    <div class="buttons">
      <button type="submit" class="primary" aria-disabled=${save.busy}>Save</button>
      <button type="button" aria-disabled=${check.busy} onClick=${check.start}>Check</button>
      ${example && text === "" && html`<button type="button" onClick=${() => onValue(example.document)}>${example.name}</button>`}
      ${remove && html`<button type="button" class="danger" onClick=${() => setRemoving(true)}>${remove.name}</button>`}
    </div>
    ${
      removing &&
      remove &&
      h(FormDialog, {
        ...{ title: `${remove.name}?`, submit: remove.name, dangerous: true },
        content: html`<p>${remove.question}</p>`,
        onSubmit: remove.run,
        onClose: () => setRemoving(false),
      })
    }
  </form>`;
}

function verdictText({ valid, message, path }: PolicyVerdict): View {
  if (valid) return html`<p>${mark("good", "The document is a valid policy.")}</p>`;
  return html`<p>${mark("bad", message ?? "The document is not valid.")}${path ? html` At <code>${path}</code>.` : ""}</p>`;
}
