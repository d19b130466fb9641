import { type ApiFailure, parseFailure, unreachable } from "./client.ts";
import { urlOf } from "./operations.ts";

export interface UploadOrder {
  readonly bucket: string;
  readonly key: string;
  readonly file: Blob;
  /** Without it, an object that is there is left as it is and the upload fails with PRECONDITION_FAILED. */
  readonly replace: boolean;
  readonly onProgress: (sentBytes: number) => void;
  readonly onEnd: (failure: ApiFailure | undefined) => void;
}

/** Sends a file; the result stops it. XMLHttpRequest, because fetch does not tell how much has been sent. */
export function startUpload({ bucket, key, file, replace, onProgress, onEnd }: UploadOrder): () => void {
  const request = new XMLHttpRequest();
  request.open("PUT", urlOf("putObject", { path: { bucket }, query: { key } }));
  request.setRequestHeader("Content-Type", file.type || "application/octet-stream");
  if (!replace) request.setRequestHeader("If-None-Match", "*");
  request.upload.addEventListener("progress", ({ loaded }) => onProgress(loaded));
  request.addEventListener("load", () => {
    onEnd(request.status < 300 ? undefined : parseFailure(request.status, request.responseText));
  });
  request.addEventListener("error", () => onEnd(unreachable()));
  request.send(file);
  return () => request.abort();
}
