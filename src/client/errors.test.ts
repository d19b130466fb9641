import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SIGV4_ERRORS } from "../codec/sigv4/index.ts";
import { ID_ERRORS } from "../core/id/index.ts";
import { statusOf } from "../gateway/api/error-status.ts";
import { API_ERRORS } from "../gateway/api/index.ts";
import { HTTP_ERRORS } from "../gateway/http/index.ts";
import { IDS_ERRORS } from "../service/ids/index.ts";
import { AshlarError } from "../std/errors.ts";
import { STORE_ERRORS } from "../store/index.ts";
import { CLIENT_ERRORS, kindOf, SERVER_ERROR_CODES } from "./errors.ts";

const SERVER = { ...API_ERRORS, ...HTTP_ERRORS, ...SIGV4_ERRORS, ...STORE_ERRORS, ...ID_ERRORS, ...IDS_ERRORS };
/** Of what only nodes and operators ask for. */
const OF_OTHERS = ["TRANSFER_SUPERSEDED", "RANGES_CUT"];
/** Of Leaf's clients, and of what this client does not let through. */
const OF_OTHER_IDS = ["TABLE_UNREAD", "COUNT_INVALID", "PAGE_INVALID"];
const failure = (code: string, data = {}): AshlarError => new AshlarError(code, "", "", data);

describe("the codes of the client", () => {
  test("are those of the server, every one that a caller can do something about among them", () => {
    const codes: readonly string[] = SERVER_ERROR_CODES;
    assert.deepEqual(
      codes.filter((code) => !(code in SERVER)),
      [],
    );
    const ofStore = Object.keys(STORE_ERRORS).filter((code) => statusOf(code, "commitRows") !== 500);
    assert.deepEqual(
      ofStore.filter((code) => !codes.includes(code)),
      OF_OTHERS,
    );
    const ofIds = Object.keys(IDS_ERRORS).filter((code) => statusOf(code, "makeIds") !== 500);
    assert.deepEqual(
      ofIds.filter((code) => !codes.includes(code)),
      OF_OTHER_IDS,
    );
  });

  test("say whether a call may be made again, and whether it may have taken effect", () => {
    assert.equal(kindOf(failure("NO_LEADER")), "refused");
    assert.equal(kindOf(failure("SERVER_UNREACHABLE", { sent: false })), "refused");
    assert.equal(kindOf(failure("SERVER_UNREACHABLE", { sent: true })), "uncertain");
    assert.equal(kindOf(failure("REPLY_UNREADABLE", { status: 503 })), "uncertain");
    assert.equal(kindOf(failure("REPLY_UNREADABLE", { status: 200 })), "final");
    for (const code of [
      "CONTENDED",
      "IDS_CLOSED",
      "IDS_OVERLOADED",
      "CLOCK_BEHIND",
      "WORKERS_EXHAUSTED",
      "WORKER_LOST",
    ])
      assert.equal(kindOf(failure(code)), "refused");
    for (const code of ["TAG_MISSING", "TAG_USED_UP", "UNIT_FULL", "TIME_EXHAUSTED"])
      assert.equal(kindOf(failure(code)), "final");
    for (const code of ["STOPPED", "OUTCOME_UNKNOWN", "DEADLINE_EXCEEDED"])
      assert.equal(kindOf(failure(code)), "uncertain");
    for (const code of ["ACCESS_DENIED", "TOO_LARGE", "HISTORY_LOST", ...Object.keys(CLIENT_ERRORS)]) {
      const others = ["OVERLOADED", "OUTCOME_UNKNOWN", "DEADLINE_EXCEEDED", "SERVER_UNREACHABLE"];
      if (!others.includes(code)) assert.equal(kindOf(failure(code)), "final", code);
    }
  });
});
