import { ApiFailure } from "../api/client.ts";
import type { Deletions, ObjectName } from "../api/shapes.ts";
import { h, html, type View } from "../html.ts";
import { counted } from "../model/format.ts";
import { tell } from "../state/notices.ts";
import { client } from "../state/session.ts";
import { FormDialog } from "../ui/dialog.ts";
import { useState } from "../vendor/preact-hooks.js";

export interface DeleteObjectsProps {
  readonly bucket: string;
  readonly names: readonly ObjectName[];
  readonly onClose: () => void;
  readonly onDeleted: () => void;
}

/** Names of objects that a question shows; of more it tells the number. */
const NAMED_MAX = 8;

/** Asks, by name, and deletes. What could not be deleted stays in the dialog, with the reason. */
export function DeleteObjectsDialog({ bucket, names, onClose, onDeleted }: DeleteObjectsProps): View {
  const [asked] = useState(names);
  const what =
    asked.length === 1 ? (asked[0]?.versionId === undefined ? "object" : "version") : counted(asked.length, "object");
  const onSubmit = async (): Promise<void> => {
    const result = await client.call("deleteObjects", { path: { bucket }, body: { objects: asked } });
    const gone = result.deleted.length;
    if (gone > 0)
      tell(
        `${gone === 1 ? `${result.deleted[0]!.key} was` : `${counted(gone, "object")} were`} deleted from ${bucket}.`,
      );
    if (gone > 0) onDeleted();
    const [first, ...others] = result.failed;
    if (first !== undefined) throw notDeleted(first, others.length);
  };
  const content = html`<div>
    <p>${asked.length === 1 ? "This is deleted" : "These are deleted"} from <strong>${bucket}</strong>:</p>
    <ul class="names">
      ${asked.slice(0, NAMED_MAX).map(nameItem)}
      ${asked.length > NAMED_MAX && html`<li>and ${asked.length - NAMED_MAX} more</li>`}
    </ul>
    <p>${consequence(asked)}</p>
  </div>`;
  return h(FormDialog, { title: `Delete ${what}?`, submit: "Delete", dangerous: true, content, onSubmit, onClose });
}

function nameItem({ key, versionId }: ObjectName): View {
  const version = versionId && html`, version <code>${versionId}</code>`;
  return html`<li key=${`${versionId} ${key}`}><code>${key}</code>${version}</li>`;
}

function consequence(names: readonly ObjectName[]): string {
  if (names.some(({ versionId }) => versionId !== undefined))
    return "Versions that are deleted by their id are gone for good.";
  return "Where the bucket keeps versions, older ones stay and the object can be brought back; else it is gone for good.";
}

function notDeleted({ key, code, message }: Deletions["failed"][number], others: number): ApiFailure {
  const rest = others === 0 ? "" : ` The same or another reason kept ${counted(others, "more object")}.`;
  const advice = `${key} is still there.${rest}`;
  return new ApiFailure({ code, message, advice, data: {}, requestId: "" });
}
