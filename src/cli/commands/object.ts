import { basename, join, resolve, sep } from "node:path";
import { AshlarError } from "../../std/errors.ts";
import type { OptionTable } from "../../std/options.ts";
import { counted, formatBytes } from "../../std/quantities.ts";
import type { ApiClient } from "../api-client.ts";
import { type Command, type Invocation, serverCommand } from "../command.ts";
import { contentTypeOf } from "../content-types.ts";
import { cliFailure } from "../errors.ts";
import { filesUnder, kindOf, type LocalFile } from "../local-files.ts";
import { pairs, printable, withCause } from "../output.ts";
import { Progress } from "../progress.ts";
import {
  download,
  inParallel,
  type Place,
  parseObject,
  parsePlace,
  type TransferParts,
  type UploadOrder,
  upload,
} from "../transfer.ts";

const RECURSIVE = {
  recursive: { type: "flag", default: false, text: "Folders with everything in them." },
  parallel: { type: "integer", unit: "count", default: 8, min: 1, max: 64, text: "Transfers at once." },
} as const satisfies OptionTable;

const VERSION_ID = { type: "text", text: "A version other than the current one." } as const;

export const OBJECT_COMMANDS: readonly Command[] = [
  serverCommand({
    words: "object put",
    summary: "Uploads a file, or with --recursive a folder",
    notes: ["- reads standard input. Behind a bucket or a key that ends with `/` the file's name is added."],
    arguments: ["FILE", "BUCKET/KEY"],
    options: { ...RECURSIVE, contentType: { type: "text", text: "In place of what the file's name says." } },
    examples: ["ashlar object put photo.jpg photos/2026/", "tar c data | ashlar object put - backups/data.tar"],
    async run(invocation) {
      const { options, arguments: given } = invocation;
      const [file = "", target = ""] = given;
      const orders = await uploadOrders(file, parsePlace(target), options.recursive);
      const typed = orders.map((order) => ({ ...order, contentType: options.contentType ?? order.contentType }));
      const bytes = typed.every((order) => order.bytes !== undefined) ? sumOf(typed) : undefined;
      return transferAll(invocation, { items: typed, bytes, verb: "Uploaded" }, async (order, parts) => {
        const { etag, sizeBytes, versionId } = await upload(order, parts);
        return { key: order.key, sizeBytes, etag, versionId };
      });
    },
  }),
  serverCommand({
    words: "object get",
    summary: "Downloads an object, or with --recursive all behind a prefix",
    notes: ["- writes to standard output. Without FILE it goes to the object's name in the current folder."],
    arguments: ["BUCKET/KEY", "FILE?"],
    options: { ...RECURSIVE, versionId: VERSION_ID },
    async run(invocation) {
      const { options, arguments: given, server } = invocation;
      const [source = "", target] = given;
      if (options.recursive) return getAll(invocation, parsePlace(source), target ?? ".", await server.client());
      const place = parseObject(source);
      const path = await targetPath(place.key, target);
      const work = { items: [place], bytes: undefined, verb: "Downloaded", silent: path === "-" };
      return transferAll(invocation, work, async (item, parts) => {
        const sizeBytes = await download(item, path, parts, options.versionId);
        return { key: item.key, sizeBytes, path };
      });
    },
  }),
  serverCommand({
    words: "object ls",
    summary: "Lists objects",
    notes: ["Like a folder, up to the next `/`; --recursive lists every key, --versions every version."],
    arguments: ["BUCKET/PREFIX"],
    options: {
      recursive: { type: "flag", default: false, text: "Every key, not up to the next `/`." },
      versions: { type: "flag", default: false, text: "All versions and delete markers." },
    },
    async run({ server, output, options, arguments: [place = ""] }) {
      const client = await server.client();
      const { bucket, key: prefix } = parsePlace(place);
      const delimiter = options.recursive ? "" : "/";
      const list = options.versions ? listVersions : listObjects;
      const items = [];
      for await (const item of list(client, bucket, prefix, delimiter)) {
        // Lines go out as they come: a listing may be longer than memory.
        if (output.json) items.push(item);
        else output.write(`${lineOf(item)}\n`);
      }
      if (output.json) output.result({ items }, () => []);
      return undefined;
    },
  }),
  serverCommand({
    words: "object rm",
    summary: "Deletes objects, or with --recursive all behind a prefix",
    notes: ["In a versioned bucket a delete marker hides the object; --version-id deletes one version for good."],
    arguments: ["BUCKET/KEY..."],
    options: {
      recursive: { type: "flag", default: false, text: "Everything that begins so." },
      versionId: VERSION_ID,
    },
    async run({ server, output, options, signal, arguments: places }) {
      const client = await server.client();
      const deleted: string[] = [];
      for (const place of places) {
        if (options.recursive) deleted.push(...(await removeUnder(client, parsePlace(place), signal)));
        else {
          const { bucket, key } = parseObject(place);
          const query = { key, versionId: options.versionId };
          await client.call("DELETE /v1/buckets/{bucket}/object", { path: { bucket }, query });
          deleted.push(`${bucket}/${key}`);
        }
      }
      output.result({ deleted }, () => `Deleted ${counted(deleted.length, "object")}.`);
      return undefined;
    },
  }),
  serverCommand({
    words: "object stat",
    summary: "Shows what is known of an object",
    arguments: ["BUCKET/KEY"],
    options: { versionId: VERSION_ID },
    async run({ server, output, options, arguments: [place = ""] }) {
      const client = await server.client();
      const { bucket, key } = parseObject(place);
      const input = { path: { bucket }, query: { key, versionId: options.versionId } };
      const object = await client.call("GET /v1/buckets/{bucket}/object/description", input);
      output.result(object, () => {
        const { sizeBytes, metadata, ...rest } = object;
        const size = `${sizeBytes} bytes${sizeBytes < 1000 ? "" : ` (${formatBytes(sizeBytes)})`}`;
        const own = Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, value] as const);
        return pairs([...Object.entries(rest), ["size", size], ...own]);
      });
      return undefined;
    },
  }),
  serverCommand({
    words: "object presign",
    summary: "Makes a link that works without a credential until it expires",
    arguments: ["BUCKET/KEY"],
    options: {
      expires: { type: "integer", unit: "s", default: 3600, min: 1, max: 604_800, text: "How long it works." },
      upload: { type: "flag", default: false, text: "For an upload (PUT) instead of a download." },
      download: { type: "flag", default: false, text: "Browsers save it instead of showing it." },
      versionId: VERSION_ID,
    },
    async run({ server, output, options, arguments: [place = ""] }) {
      const client = await server.client();
      const { bucket, key } = parseObject(place);
      const { expires: expiresSeconds, download: save, versionId } = options;
      const method = options.upload ? "PUT" : "GET";
      const body = {
        key,
        method,
        expiresSeconds,
        download: save,
        ...(versionId !== undefined && { versionId }),
      } as const;
      const link = await client.call("POST /v1/buckets/{bucket}/presign", { path: { bucket }, body });
      output.result(link, () => link.url);
      return undefined;
    },
  }),
];

interface Work<Item> {
  readonly items: Iterable<Item> | AsyncIterable<Item>;
  readonly bytes: number | undefined;
  readonly verb: string;
  /** Standard output is the object's. */
  readonly silent?: boolean;
}

/** Transfers all items; those that fail are named, and the others go on. */
async function transferAll<Item extends Place>(
  { server, output, signal, options }: Invocation<typeof RECURSIVE>,
  { items, bytes, verb, silent }: Work<Item>,
  transfer: (item: Item, parts: TransferParts) => Promise<{ readonly sizeBytes: number }>,
): Promise<number> {
  const client = await server.client();
  const done: { readonly sizeBytes: number }[] = [];
  const failed: { readonly key: string; readonly message: string }[] = [];
  using progress = new Progress(output, verb, bytes);
  await inParallel(items, options.parallel, async (item) => {
    signal.throwIfAborted();
    try {
      done.push(await transfer(item, { client, progress, signal }));
    } catch (error) {
      if (!options.recursive || !(error instanceof AshlarError)) throw error;
      const message = withCause(error);
      failed.push({ key: item.key, message });
      output.note(`ashlar: ${item.key}: ${message}`);
    }
  });
  output.progress("");
  if (silent !== true) {
    output.result({ items: done, failed }, () => {
      const size = formatBytes(done.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
      return options.recursive ? `${verb} ${counted(done.length, "object")}, ${size}.` : `${verb} ${size}.`;
    });
  }
  if (failed.length === 0) return 0;
  throw cliFailure("TRANSFER_INCOMPLETE", { what: `${counted(failed.length, "object")} could not be transferred.` });
}

async function uploadOrders(file: string, place: Place, recursive: boolean): Promise<UploadOrder[]> {
  const prefix = place.key === "" || place.key.endsWith("/") ? place.key : undefined;
  const { bucket } = place;
  if (file === "-") {
    if (prefix !== undefined) throw cliFailure("USAGE_ARGUMENTS", { what: "Standard input needs a whole key." });
    return [{ bucket, key: place.key, path: "-", bytes: undefined, contentType: contentTypeOf(place.key) }];
  }
  const found = await kindOf(file);
  if (found === undefined) throw cliFailure("PATH_UNREADABLE", { what: `${file} does not exist.` });
  if (!found.isFolder) {
    const key = prefix === undefined ? place.key : prefix + basename(file);
    return [{ bucket, key, path: file, bytes: found.bytes, contentType: contentTypeOf(file) }];
  }
  if (!recursive) throw cliFailure("USAGE_OPTION", { what: `${file} is a folder.`, advice: "Add --recursive." });
  const folder = prefix ?? `${place.key}/`;
  return (await filesUnder(file)).map(({ path, name, bytes }: LocalFile) => {
    return { bucket, key: folder + name, path, bytes, contentType: contentTypeOf(name) };
  });
}

interface Fetch extends Place {
  readonly path: string;
  readonly bytes: number;
}

async function getAll(
  invocation: Invocation<typeof RECURSIVE>,
  { bucket, key: prefix }: Place,
  folder: string,
  client: ApiClient,
): Promise<number> {
  // What lies before the last slash of the prefix is the folder that is fetched.
  const cut = prefix.lastIndexOf("/") + 1;
  async function* fetches(): AsyncGenerator<Fetch, void, void> {
    for await (const item of listObjects(client, bucket, prefix, "")) {
      if (!("sizeBytes" in item) || item.key.endsWith("/")) continue;
      yield { bucket, key: item.key, path: join(folder, item.key.slice(cut)), bytes: item.sizeBytes };
    }
  }
  const work = { items: fetches(), bytes: undefined, verb: "Downloaded" };
  return transferAll(invocation, work, async (item, parts) => {
    if (!isInside(folder, item.path)) {
      throw cliFailure("PATH_UNREADABLE", { what: "The key would lead out of the folder." });
    }
    const sizeBytes = await download(item, item.path, parts);
    return { key: item.key, sizeBytes, path: item.path };
  });
}

/** A key is any text: one with `..` in it must not be written beside the folder. */
function isInside(folder: string, path: string): boolean {
  const root = resolve(folder);
  return resolve(path).startsWith(root.endsWith(sep) ? root : root + sep);
}

async function targetPath(key: string, target: string | undefined): Promise<string> {
  if (target === "-") return "-";
  const name = basename(key) || "object";
  if (target === undefined) return name;
  const isFolder = target.endsWith("/") || (await kindOf(target))?.isFolder === true;
  return isFolder ? join(target, name) : target;
}

interface Listed {
  readonly key: string;
  readonly sizeBytes: number;
  readonly modifiedAt: string;
  readonly versionId?: string | undefined;
  readonly deleteMarker?: boolean;
}

type Item = Listed | { readonly prefix: string };

async function* listObjects(
  client: ApiClient,
  bucket: string,
  prefix: string,
  delimiter: string,
): AsyncGenerator<Item> {
  let after: string | undefined;
  do {
    const query = { prefix, delimiter, after, limit: 1000 };
    const page = await client.call("GET /v1/buckets/{bucket}/objects", { path: { bucket }, query });
    yield* merged(page);
    after = page.next;
  } while (after !== undefined);
}

async function* listVersions(
  client: ApiClient,
  bucket: string,
  prefix: string,
  delimiter: string,
): AsyncGenerator<Item> {
  let afterKey: string | undefined;
  let afterVersionId: string | undefined;
  do {
    const query = { prefix, delimiter, afterKey, afterVersionId, limit: 1000 };
    const page = await client.call("GET /v1/buckets/{bucket}/versions", { path: { bucket }, query });
    yield* merged(page);
    afterKey = page.nextKey;
    afterVersionId = page.nextVersionId;
  } while (afterKey !== undefined);
}

function* merged(page: {
  readonly items: readonly Listed[];
  readonly commonPrefixes: readonly string[];
}): Generator<Item> {
  for (const prefix of page.commonPrefixes) yield { prefix };
  yield* page.items;
}

function lineOf(item: Item): string {
  if ("prefix" in item) return `${" ".repeat(24)}  ${"folder".padStart(12)}  ${printable(item.prefix)}`;
  const size = item.deleteMarker === true ? "deleted" : String(item.sizeBytes);
  const version = item.versionId === undefined ? "" : `  ${item.versionId}`;
  return `${item.modifiedAt}  ${size.padStart(12)}  ${printable(item.key)}${version}`;
}

async function removeUnder(client: ApiClient, { bucket, key: prefix }: Place, signal: AbortSignal): Promise<string[]> {
  const deleted: string[] = [];
  for (let after: string | undefined; ; ) {
    signal.throwIfAborted();
    const query = { prefix, after, limit: 1000 };
    const page = await client.call("GET /v1/buckets/{bucket}/objects", { path: { bucket }, query });
    if (page.items.length > 0) {
      const body = { objects: page.items.map(({ key }) => ({ key })) };
      const result = await client.call("POST /v1/buckets/{bucket}/delete", { path: { bucket }, body });
      const [first] = result.failed;
      if (first !== undefined) {
        throw cliFailure("TRANSFER_INCOMPLETE", { what: `${first.key} was not deleted: ${first.message}` });
      }
      deleted.push(...result.deleted.map(({ key }) => `${bucket}/${key}`));
    }
    after = page.next;
    if (after === undefined) return deleted;
  }
}

function sumOf(items: readonly { readonly bytes: number | undefined }[]): number {
  return items.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
}
