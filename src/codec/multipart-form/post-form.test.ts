import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { concatBytes, fromBase64, text, utf8 } from "../../std/bytes.ts";
import { type ByteSource, collect, sourceOf } from "../../std/source.ts";
import { expandFileName, type PostForm, parseBoundary, readPostForm, withinRange } from "./index.ts";

const contentType = "multipart/form-data; boundary=b";

function field(name: string, value: string): string {
  return `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
}

function file(body: string, name = "f.txt"): string {
  return `--b\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: text/plain\r\n\r\n${body}\r\n`;
}

function piecesOf(body: Uint8Array, length: number): ByteSource {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < body.length; at += length) pieces.push(body.subarray(at, at + length));
  return sourceOf(...pieces);
}

interface Read {
  readonly fields: object;
  readonly fileName: string;
  readonly body: string;
}

async function readAll(source: ByteSource, type = contentType): Promise<Read> {
  const form: PostForm = await readPostForm(source, type);
  const body = await collect(form.file.body, 10_000_000);
  return { fields: Object.fromEntries(form.fields), fileName: form.file.fileName, body: text(body!) };
}

/** The same result whatever the pieces that the body comes in. */
async function read(body: string | Uint8Array, type = contentType, lengths = [1, 2, 3, 7, 1000]): Promise<Read> {
  const bytes = typeof body === "string" ? utf8(body) : body;
  const whole = await readAll(sourceOf(bytes), type);
  for (const length of lengths) assert.deepEqual(await readAll(piecesOf(bytes, length), type), whole);
  return whole;
}

async function fails(body: string, code: string, lengths = [1, 5, 10_000_000]): Promise<void> {
  for (const length of lengths) {
    await assert.rejects(readAll(piecesOf(utf8(body), length)), { code }, body.slice(0, 200));
  }
}

describe("a browser upload", () => {
  test("is fields, then a file, then what does not matter", async () => {
    const body = `${field("Key", `u/\${filename}`)}${field("x-empty", "")}${file("data\r\n--not")}${field("late", "x")}--b--\r\n`;
    assert.deepEqual(await read(body), {
      fields: { key: `u/\${filename}`, "x-empty": "" },
      fileName: "f.txt",
      body: "data\r\n--not",
    });
  });

  test("as undici and minio-js made them", async () => {
    interface Capture {
      readonly client: string;
      readonly contentType: string;
      readonly body: string;
    }
    const captures: Capture[] = JSON.parse(readFileSync(new URL("./testdata/forms.json", import.meta.url), "utf8"));
    const [sdk, minio] = await Promise.all(captures.map((one) => read(fromBase64(one.body)!, one.contentType)));
    assert.equal(sdk!.body, "file body\r\n--x");
    assert.equal(sdk!.fileName, "é %22q%22.txt");
    assert.deepEqual(Object.keys(sdk!.fields).slice(0, 3), ["x-amz-meta-a", "bucket", "x-amz-algorithm"]);
    assert.equal(minio!.body, "abc");
  });

  test("may begin with a preamble and have white space behind its boundaries", async () => {
    const body = `preamble --b\r\n--a\r\n${field("k", "v")}${file("x").replace("--b\r", "--b \t\r")}`;
    assert.deepEqual(await read(`${body}--b--epilogue`), { fields: { k: "v" }, fileName: "f.txt", body: "x" });
  });

  test("keeps what only looks like a boundary in the file", async () => {
    for (const data of [
      "",
      "\r",
      "\r\n",
      "\r\n-",
      "\r\n--",
      "\r\n--a",
      "\r\r\n--\r\n\r\n--\r\r",
      "--b",
      "x--b--",
      "\n--b--",
      "\r\n--B--",
    ]) {
      assert.equal((await read(`${file(data)}--b--`)).body, data);
    }
  });

  test("names its file without the folders that old browsers send", async () => {
    const names: Readonly<Record<string, string>> = {
      "C:\\dir\\f.txt": "f.txt",
      "/home/x/f.txt": "f.txt",
      'a\\"b.txt': 'a"b.txt',
      "é%22.txt": "é%22.txt",
      "C:\\dir\\": "",
    };
    for (const [sent, name] of Object.entries(names))
      assert.equal((await read(`${file("x", sent)}--b--`)).fileName, name);
    const plain = "--b\r\ncontent-disposition:form-data;NAME=FILE\r\n\r\nx\r\n--b--";
    assert.deepEqual(await read(plain), { fields: {}, fileName: "", body: "x" });
  });

  test("fills its file's name into the key, as text", () => {
    assert.equal(expandFileName(`u/\${filename}/\${filename}`, "$&$1"), "u/$&$1/$&$1");
    assert.equal(expandFileName(`u/\${Filename}`, "x"), `u/\${Filename}`);
  });

  test("needs a file, and ends where it says", async () => {
    await fails(`${field("key", "k")}--b--`, "FORM_FILE_MISSING");
    await fails("--b--", "FORM_FILE_MISSING");
    const body = `${field("key", "k")}${file("data")}--b--`;
    for (let length = 0; length < body.length; length++) await fails(body.slice(0, length), "FORM_MALFORMED");
  });

  test("may not send a field twice, in whatever case", async () => {
    await fails(`${field("acl", "private")}${field("ACL", "public-read")}${file("x")}--b--`, "FORM_FIELD_REPEATED");
  });

  test("is malformed where a part names no field, or is not framed", async () => {
    const part = (headers: string): string => `--b\r\n${headers}\r\n\r\nx\r\n--b--`;
    const dispositions = [
      "Content-Disposition: attachment; name=file",
      "Content-Disposition: form-data",
      "X: y",
      "no header",
    ];
    for (const headers of [
      ...dispositions,
      "Content-Disposition: form-data; filename=x",
      " Content-Disposition: form-data; name=a",
    ]) {
      await fails(part(headers), "FORM_MALFORMED");
    }
    await fails("--bx\r\n", "FORM_MALFORMED");
    await fails("--b-x\r\n", "FORM_MALFORMED");
    await fails(`--b${" ".repeat(65)}\r\n`, "FORM_MALFORMED");
    await fails(`--b\r\nX: ${"y".repeat(8_192)}\r\n\r\n`, "FORM_MALFORMED");
  });

  test("has text in its fields, the file may be any bytes", async () => {
    const bad = concatBytes([
      utf8('--b\r\nContent-Disposition: form-data; name="k"\r\n\r\n'),
      Uint8Array.of(0xff),
      utf8("\r\n--b--"),
    ]);
    await assert.rejects(readPostForm(sourceOf(bad), contentType), { code: "FORM_MALFORMED" });
    const head = utf8('--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n');
    const all = Uint8Array.from({ length: 256 }, (_, at) => at);
    const form = await readPostForm(sourceOf(concatBytes([head, all, utf8("\r\n--b--")])), contentType);
    assert.deepEqual(await collect(form.file.body, 1000), all);
  });

  test("has 20 KiB for everything before the file, and 64 KiB for what is behind", async () => {
    const around = field("k", "").length + file("").length - "\r\n".length;
    const fits = "v".repeat(20_480 - around);
    assert.equal((await read(`${field("k", fits)}${file("data")}--b--`, contentType, [97, 4096])).body, "data");
    await fails(`${field("k", `${fits}v`)}${file("data")}--b--`, "FORM_TOO_LARGE", [97, 4096, 1_000_000]);
    await fails(field("k", "v".repeat(100_000)), "FORM_TOO_LARGE", [97, 4096, 1_000_000]);
    assert.equal((await read(`${file("data")}--b--${"x".repeat(65_534)}`, contentType, [97, 4096])).body, "data");
    await fails(`${file("data")}--b--${"x".repeat(65_535)}`, "FORM_MALFORMED", [97, 4096, 1_000_000]);
    await fails(`${file("data")}${field("late", "x".repeat(70_000))}--b--`, "FORM_MALFORMED", [97, 4096, 1_000_000]);
  });

  test("goes on failing once it failed, and cancels what it reads from", async () => {
    let cancelled = 0;
    const inner = sourceOf(utf8(file("data")));
    const form = await readPostForm({ read: () => inner.read(), cancel: () => void cancelled++ }, contentType);
    assert.equal(text((await form.file.body.read())!), "data");
    await assert.rejects(form.file.body.read(), { code: "FORM_MALFORMED" });
    await assert.rejects(form.file.body.read(), { code: "FORM_MALFORMED" });
    assert.equal(cancelled, 1);
    await assert.rejects(readPostForm({ read: async () => null, cancel: () => void cancelled++ }, contentType));
    assert.equal(cancelled, 2);
  });
});

describe("the boundary", () => {
  test("is read out of the content type, quoted or not", () => {
    assert.equal(parseBoundary("multipart/form-data; boundary=----x"), "----x");
    assert.equal(parseBoundary('Multipart/Form-Data; charset=utf-8; Boundary="a b:c"'), "a b:c");
    assert.equal(parseBoundary(`multipart/form-data;boundary=${"x".repeat(70)}`).length, 70);
  });

  test("is missed in anything else", () => {
    const types = [
      undefined,
      "",
      "text/plain",
      "multipart/mixed; boundary=b",
      "multipart/form-data",
      "multipart/form-datax; boundary=b",
    ];
    const bad = ["", '""', '"a "', "é", '"a\r"', "x".repeat(71)].map(
      (boundary) => `multipart/form-data; boundary=${boundary}`,
    );
    for (const type of [...types, ...bad])
      assert.throws(() => parseBoundary(type), { code: "FORM_TYPE_INVALID" }, type);
  });
});

describe("a file held to a range of lengths", () => {
  const of = (...pieces: string[]): ByteSource => sourceOf(...pieces.map(utf8));

  test("passes at its limits", async () => {
    for (const range of [
      { bytesMin: 4, bytesMax: 4 },
      { bytesMin: 0, bytesMax: 100 },
    ]) {
      assert.equal(text((await collect(withinRange(of("ab", "cd"), range), 100))!), "abcd");
    }
  });

  test("fails below and above, without handing out what is too much", async () => {
    await assert.rejects(collect(withinRange(of("ab", "cd"), { bytesMin: 5, bytesMax: 9 }), 100), {
      code: "ENTITY_TOO_SMALL",
    });
    const above = withinRange(of("ab", "cd"), { bytesMin: 0, bytesMax: 3 });
    assert.equal(text((await above.read())!), "ab");
    await assert.rejects(above.read(), { code: "ENTITY_TOO_LARGE" });
  });
});
