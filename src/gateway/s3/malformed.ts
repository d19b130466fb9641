import { XmlWriter } from "../../codec/xml/index.ts";

const ANSWERS = {
  400: { code: "BadRequest", message: "An error occurred when parsing the HTTP request." },
  408: { code: "RequestTimeout", message: "The request's headers did not arrive in time." },
  431: {
    code: "RequestHeaderSectionTooLarge",
    message: "Your request header section exceeds the maximum allowed size.",
  },
} as const;

/** For the listener: what a request gets that is no HTTP, so that no exchange was ever made for it. */
export function malformedReply(status: 400 | 408 | 431): {
  readonly headers: readonly string[];
  readonly body: Uint8Array;
} {
  const { code, message } = ANSWERS[status];
  const body = new XmlWriter("Error").text("Code", code).text("Message", message).finish();
  return {
    headers: ["Content-Type", "application/xml", "Content-Length", String(body.length), "Connection", "close"],
    body,
  };
}
