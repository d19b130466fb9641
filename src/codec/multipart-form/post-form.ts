import { concatBytes, strictText } from "../../std/bytes.ts";
import { type ByteSource, sourceThrough } from "../../std/source.ts";
import { formFailure } from "./errors.ts";
import { type FormEvent, MultipartParser } from "./parser.ts";
import { parseBoundary } from "./part-headers.ts";

export interface PostForm {
  /** The fields before the file, their names in lower case. */
  readonly fields: ReadonlyMap<string, string>;
  readonly file: PostedFile;
}

export interface PostedFile {
  /** What `${filename}` stands for: without the folders that some browsers send; empty where there was none. */
  readonly fileName: string;
  /** As the part says. What S3 stores is the field Content-Type. */
  readonly contentType: string | undefined;
  /** Ends once the whole form was read: what follows the file has no meaning, but a form that breaks off is no form. */
  readonly body: ByteSource;
}

/** All that may stand before the file's data, framing included. */
const FIELD_BYTES_MAX = 20_480;
/** All that may stand behind them. */
const REST_BYTES_MAX = 65_536;

/** Reads a browser upload up to the file's data. Fails with one of MULTIPART_FORM_ERRORS and cancels the source. */
export async function readPostForm(source: ByteSource, contentType: string | undefined): Promise<PostForm> {
  const parser = new MultipartParser(parseBoundary(contentType));
  try {
    return await readFields(source, parser);
  } catch (error) {
    source.cancel(error);
    throw error;
  }
}

/** The key with `${filename}` replaced, which is what a policy is checked against. */
export function expandFileName(key: string, fileName: string): string {
  return key.replace(/\$\{filename\}/g, () => fileName);
}

async function readFields(source: ByteSource, parser: MultipartParser): Promise<PostForm> {
  const reader = new FormReader();
  for (;;) {
    const bytes = await source.read();
    if (bytes === null) throw parser.ended ? formFailure("FORM_FILE_MISSING") : brokenOff();
    // What is beyond the limit is not looked at before the file has begun, so the answer does not depend on how the
    // body was cut.
    const allowed = bytes.subarray(0, FIELD_BYTES_MAX - parser.position);
    parser.push(allowed, (event) => reader.take(event));
    if (reader.file !== undefined) {
      const body = fileSource(source, parser, reader, bytes.subarray(allowed.length));
      return { fields: reader.fields, file: { ...reader.file, body } };
    }
    if (allowed.length < bytes.length) throw formFailure("FORM_TOO_LARGE", { data: { bytesMax: FIELD_BYTES_MAX } });
  }
}

/** The file's data: what came with its headers, what is in the bytes behind those, then what the source still gives. */
function fileSource(source: ByteSource, parser: MultipartParser, reader: FormReader, behind: Uint8Array): ByteSource {
  let unread: Uint8Array | undefined = behind;

  async function next(): Promise<Uint8Array | null> {
    for (;;) {
      const data = reader.nextData();
      if (data !== undefined) return data;
      const bytes = unread ?? (await source.read());
      unread = undefined;
      if (bytes === null) {
        if (parser.ended) return null;
        throw brokenOff();
      }
      parser.push(bytes, (event) => reader.take(event));
      if (reader.fileEnd !== undefined && parser.position - reader.fileEnd > REST_BYTES_MAX) {
        throw formFailure("FORM_MALFORMED", { what: "Too much follows the file." });
      }
    }
  }

  return sourceThrough(source, next);
}

/** Takes in the parts of a form: fields up to the file, then the file's data, then nothing more. */
class FormReader {
  readonly fields = new Map<string, string>();
  file: Omit<PostedFile, "body"> | undefined;
  /** How many bytes of the body there were at the file's end. */
  fileEnd: number | undefined;
  #name = "";
  /** Of the field that is being read, then of the file: data not yet taken. */
  #data: Uint8Array[] = [];

  take(event: FormEvent): void {
    if (this.fileEnd !== undefined) return;
    switch (event.kind) {
      case "part": {
        const { name, fileName = "", contentType } = event.headers;
        this.#name = name.toLowerCase();
        if (this.#name === "file") this.file = { fileName: withoutFolders(fileName), contentType };
        return;
      }
      case "data":
        // A field's data are kept for longer than the source lends them.
        this.#data.push(this.file === undefined ? event.bytes.slice() : event.bytes);
        return;
      case "part-end":
        if (this.file === undefined) this.#endField();
        else this.fileEnd = event.position;
        return;
      case "end":
        throw formFailure("FORM_FILE_MISSING");
    }
  }

  /** The next piece of the file's data that is at hand. */
  nextData(): Uint8Array | undefined {
    return this.#data.shift();
  }

  /** A name that is there twice could be checked by its one value and used by its other. */
  #endField(): void {
    const value = strictText(concatBytes(this.#data.splice(0)));
    if (value === undefined) throw formFailure("FORM_MALFORMED", { what: `The field ${this.#name} is not UTF-8.` });
    if (this.fields.has(this.#name)) throw formFailure("FORM_FIELD_REPEATED", { data: { field: this.#name } });
    this.fields.set(this.#name, value);
  }
}

function withoutFolders(fileName: string): string {
  return fileName.slice(Math.max(fileName.lastIndexOf("/"), fileName.lastIndexOf("\\")) + 1);
}

function brokenOff(): Error {
  return formFailure("FORM_MALFORMED", { what: "The form breaks off." });
}
