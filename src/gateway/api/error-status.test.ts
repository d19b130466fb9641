import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { BLOB_ERRORS } from "../../blob/index.ts";
import { SIGV4_ERRORS } from "../../codec/sigv4/index.ts";
import { ENV_ERRORS } from "../../env/index.ts";
import { HOST_ERRORS } from "../../host/index.ts";
import { LOG_ERRORS } from "../../log/index.ts";
import { ACCESS_ERRORS } from "../../service/access/index.ts";
import { OBJECT_ERRORS } from "../../service/objects/index.ts";
import { STORE_ERRORS } from "../../store/index.ts";
import { HTTP_ERRORS } from "../http/index.ts";
import { statusOf } from "./error-status.ts";
import { API_ERRORS } from "./errors.ts";

const TABLES = {
  ...{ API_ERRORS, HTTP_ERRORS, SIGV4_ERRORS, OBJECT_ERRORS, ACCESS_ERRORS },
  ...{ STORE_ERRORS, BLOB_ERRORS, ENV_ERRORS, HOST_ERRORS, LOG_ERRORS },
};

describe("the status of a failure", () => {
  for (const [name, table] of Object.entries(TABLES)) {
    test(`is one of failure for every code of ${name}`, () => {
      for (const code of Object.keys(table)) {
        const status = statusOf(code);
        assert.ok(status === 304 || (status >= 400 && status < 600), `${code}: ${status}`);
      }
    });
  }

  test("is 500 for a code that nobody declares", () => assert.equal(statusOf("NO_SUCH_CODE"), 500));

  test("is the client's fault only where the client can do something about it", () => {
    for (const code of ["ACCESS_DENIED", "INPUT_INVALID", "BUCKET_MISSING", "LOGIN_FAILED", "BODY_TOO_LARGE"])
      assert.ok(statusOf(code) < 500, code);
    for (const code of ["LOG_FAILED", "BLOB_DAMAGED", "ROW_DAMAGED", "SPACE_RESERVED", "OVERLOADED"])
      assert.ok(statusOf(code) >= 500, code);
  });
});
