import { describe, test } from "node:test";
import { httpConformance } from "../conformance/http-suite.ts";
import { SimHttp } from "./http.ts";

describe("SimHttp", () => {
  httpConformance(test, async () => {
    const http = new SimHttp();
    return {
      http: http.mount(),
      request: (port, request) => http.request(port, request),
      async [Symbol.asyncDispose]() {},
    };
  });
});
