import { type Content, h, html, type View } from "../html.ts";
import { useId, useLayoutEffect, useRef } from "../vendor/preact-hooks.js";
import { failureBox } from "./bits.ts";
import { useAction } from "./load.ts";

export interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  /** Escape does not close it: it shows what is shown once. */
  readonly sticky?: boolean;
  readonly content: Content;
}

/** Open as long as it is rendered. The browser keeps the focus inside, and gives it back to where it was. */
export function Dialog({ title, onClose, sticky = false, content }: DialogProps): View {
  const element = useRef<HTMLDialogElement | null>(null);
  const isGone = useRef(false);
  const titleId = useId();
  useLayoutEffect(() => {
    const dialog = element.current;
    const opener = document.activeElement;
    dialog?.showModal();
    return () => {
      isGone.current = true;
      dialog?.close();
      // What opened it may be gone by now, as the row of something deleted: then the page's title is the place to go on from.
      setTimeout(() => {
        if (document.activeElement !== document.body) return;
        if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
        else document.getElementById("page-title")?.focus();
      });
    };
  }, []);
  const onCancel = (event: Event): void => {
    event.preventDefault();
    if (!sticky) onClose();
  };
  // The browser tells late that it was closed: by then another dialog may have taken its place.
  const onClosed = (): void => {
    if (!isGone.current) onClose();
  };
  return html`<dialog ref=${element} aria-labelledby=${titleId} onCancel=${onCancel} onClose=${onClosed}>
    <h2 id=${titleId}>${title}</h2>
    ${content}
  </dialog>`;
}

export interface FormDialogProps {
  readonly title: string;
  readonly submit: string;
  /** The act can not be undone. */
  readonly dangerous?: boolean;
  readonly content: Content;
  readonly onSubmit: () => Promise<void>;
  readonly onClose: () => void;
}

/** A form in a dialog. It closes itself when the act has succeeded; else it stays with what went wrong. */
export function FormDialog({ title, submit, dangerous = false, content, onSubmit, onClose }: FormDialogProps): View {
  const action = useAction(async () => {
    await onSubmit();
    onClose();
  });
  const onSubmitEvent = (event: Event): void => {
    event.preventDefault();
    action.start();
  };
  const form = html`<form onSubmit=${onSubmitEvent}>
    ${content} ${failureBox(action.failure)}
    <div class="buttons">
      <button type="submit" class=${dangerous ? "danger" : "primary"} aria-disabled=${action.busy}>${submit}</button>
      <button type="button" autofocus=${dangerous} onClick=${onClose}>Cancel</button>
    </div>
  </form>`;
  return h(Dialog, { title, onClose, content: form });
}
