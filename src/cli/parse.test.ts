import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Command, localCommand } from "./command.ts";
import { parseCommandLine, usageOf } from "./parse.ts";

const run = async (): Promise<undefined> => undefined;
const COMMANDS: readonly Command[] = [
  localCommand({
    words: "serve",
    summary: "Serves",
    options: {
      dataDir: { type: "text", default: "./data", text: "." },
      quiet: { type: "flag", default: false, text: "." },
      sync: { type: "flag", default: true, text: "." },
      domain: { type: "list", default: [], text: "." },
      token: { type: "text", secret: true, text: "." },
    },
    run,
  }),
  localCommand({ words: "bucket ls", summary: "Lists", arguments: ["PREFIX?"], run }),
  localCommand({ words: "bucket create", summary: "Creates", arguments: ["BUCKET"], run }),
  localCommand({ words: "bucket policy get", summary: "Gets", arguments: ["BUCKET"], run }),
  localCommand({ words: "rm", summary: "Removes", arguments: ["KEY..."], run }),
  localCommand({ words: "verify", summary: "Verifies", arguments: ["VOLUME...?"], run }),
];

const parse = (line: string) => {
  const {
    command,
    arguments: given,
    flags,
  } = parseCommandLine(
    line.split(" ").filter((word) => word !== ""),
    COMMANDS,
  );
  return { words: command.words.join(" "), arguments: given, flags: { ...flags } };
};

describe("a command line", () => {
  const UNDERSTOOD: [line: string, words: string, given: string[], flags: object][] = [
    ["serve", "serve", [], {}],
    ["serve --data-dir /x --quiet", "serve", [], { dataDir: "/x", quiet: true }],
    ["serve --data-dir=/x --quiet=false", "serve", [], { dataDir: "/x", quiet: "false" }],
    ["serve --no-sync", "serve", [], { sync: false }],
    ["serve --domain a --domain b,c", "serve", [], { domain: ["a", "b", "c"] }],
    ["serve --token-file /run/token", "serve", [], { tokenFile: "/run/token" }],
    ["bucket ls", "bucket ls", [], {}],
    ["bucket ls pho --json", "bucket ls", ["pho"], { json: true }],
    ["bucket policy get photos", "bucket policy get", ["photos"], {}],
    ["rm a b --json c", "rm", ["a", "b", "c"], { json: true }],
    ["rm -- --json", "rm", ["--json"], {}],
    ["verify", "verify", [], {}],
    ["verify 1 2", "verify", ["1", "2"], {}],
  ];
  for (const [line, words, given, flags] of UNDERSTOOD) {
    test(`"${line}" is understood`, () => assert.deepEqual(parse(line), { words, arguments: given, flags }));
  }

  const REFUSED: [line: string, code: string, message: RegExp][] = [
    ["", "USAGE_COMMAND", /A command is missing/],
    ["srve", "USAGE_COMMAND", /no command `ashlar srve`. Did you mean `ashlar serve`\?/],
    ["bucket", "USAGE_COMMAND", /`ashlar bucket` needs one of ls, create, policy/],
    ["bucket lst", "USAGE_COMMAND", /Did you mean `ashlar bucket ls`\?/],
    ["zzzzzzzz", "USAGE_COMMAND", /no command `ashlar zzzzzzzz`\.$/],
    ["serve --data-dri /x", "USAGE_OPTION", /no option --data-dri. Did you mean --data-dir\?/],
    ["serve --token s3cret", "USAGE_OPTION", /no option --token. Did you mean --token-file\?/],
    ["serve --data-dir", "USAGE_OPTION", /--data-dir needs a value/],
    ["serve --data-dir /x --data-dir /y", "USAGE_OPTION", /--data-dir is given twice/],
    ["serve -x", "USAGE_OPTION", /no option -x/],
    ["serve now", "USAGE_ARGUMENTS", /now is too much: the command is `ashlar serve`/],
    ["bucket create", "USAGE_ARGUMENTS", /BUCKET is missing: the command is `ashlar bucket create BUCKET`/],
    ["bucket create a b", "USAGE_ARGUMENTS", /b is too much/],
    ["rm", "USAGE_ARGUMENTS", /KEY\.\.\. is missing/],
  ];
  for (const [line, code, message] of REFUSED) {
    test(`"${line}" is refused with what was probably meant`, () =>
      assert.throws(() => parse(line), { code, message }));
  }

  test("never repeats what stands behind a secret's flag", () => {
    assert.throws(
      () => parse("serve --token=s3cret"),
      (error: Error) => !error.message.includes("s3cret"),
    );
  });

  test("is shown in brackets where it may be left out", () => {
    assert.deepEqual(COMMANDS.map(usageOf), [
      ...[
        "ashlar serve",
        "ashlar bucket ls [PREFIX]",
        "ashlar bucket create BUCKET",
        "ashlar bucket policy get BUCKET",
      ],
      ...["ashlar rm KEY...", "ashlar verify [VOLUME...]"],
    ]);
  });
});
