import { h, html, type View } from "../html.ts";
import { counted } from "../model/format.ts";
import { TRANSFER_LIMITS } from "../model/transfers.ts";
import { tell } from "../state/notices.ts";
import { type ChosenFile, enqueue } from "../state/transfers.ts";
import { useEffect, useId, useRef, useState } from "../vendor/preact-hooks.js";
import { droppedFiles } from "./dropped-files.ts";

export interface UploadAreaProps {
  readonly bucket: string;
  readonly prefix: string;
}

/** Files are dropped anywhere on the page, or chosen. */
export function UploadArea({ bucket, prefix }: UploadAreaProps): View {
  const picker = useRef<HTMLInputElement | null>(null);
  const pickerId = useId();
  const [folder, setFolder] = useState("");
  const target = prefix + folderPrefix(folder);
  const add = (files: readonly ChosenFile[]): void => {
    const refused = enqueue(bucket, target, files);
    if (refused > 0)
      tell(`${counted(refused, "file")} not taken: at most ${counted(TRANSFER_LIMITS.filesMax, "file")} wait at once.`);
  };
  const hovering = usePageDrop((items) => void droppedFiles(items, TRANSFER_LIMITS.filesMax).then(add));
  const onPick = (event: Event): void => {
    const input = event.target as HTMLInputElement;
    add([...(input.files ?? [])].map((file) => ({ name: file.name, file })));
    input.value = "";
  };
  return html`<div class=${`drop ${hovering ? "drop-over" : ""}`}>
    <p>${hovering ? `Drop to upload to ${bucket}/${target}` : "Drop files or folders on this page, or"}</p>
    <input class="hidden" id=${pickerId} type="file" multiple tabindex="-1" aria-hidden="true" ref=${picker} onChange=${onPick} />
    <button type="button" onClick=${() => picker.current?.click()}>Choose files</button>
    ${h(FolderField, { folder, setFolder })}
  </div>`;
}

function FolderField({
  folder,
  setFolder,
}: {
  readonly folder: string;
  readonly setFolder: (folder: string) => void;
}): View {
  const id = useId();
  return html`<span class="inline-field">
    <label for=${id}>into the folder</label>
    <input id=${id} value=${folder} placeholder="(this one)" autocomplete="off" spellcheck=${false}
      onInput=${(event: InputEvent) => setFolder((event.target as HTMLInputElement).value)} />
  </span>`;
}

/** Folders are only what keys begin with, so a new one is made by putting something into it. */
function folderPrefix(folder: string): string {
  const name = folder.trim();
  return name === "" || name.endsWith("/") ? name : `${name}/`;
}

/** Whether files are held over the page. */
function usePageDrop(onDrop: (transfer: DataTransfer) => void): boolean {
  const [hovering, setHovering] = useState(false);
  const drop = useRef(onDrop);
  drop.current = onDrop;
  useEffect(() => {
    let depth = 0;
    const listeners: Record<string, (event: DragEvent) => void> = {
      dragenter: () => setHovering(++depth > 0),
      dragleave: () => setHovering(--depth > 0),
      dragover: () => {},
      drop: (event) => {
        depth = 0;
        setHovering(false);
        drop.current(event.dataTransfer!);
      },
    };
    const listen = (event: Event): void => {
      if (!(event instanceof DragEvent) || !event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      listeners[event.type]?.(event);
    };
    for (const name of Object.keys(listeners)) window.addEventListener(name, listen);
    return () => {
      for (const name of Object.keys(listeners)) window.removeEventListener(name, listen);
    };
  }, []);
  return hovering;
}
