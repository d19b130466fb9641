import { type AshlarError, failures } from "../../std/errors.ts";

export const XML_ERRORS = {
  MALFORMED_XML: {
    what: "The XML is not well-formed, or is not what this operation takes.",
    advice: "Send the document as the operation's schema says (MalformedXML).",
  },
  XML_TOO_LARGE: {
    what: "The XML document is too large.",
    advice: "Send less in one request (MaxMessageLengthExceeded).",
  },
} as const;

export type XmlErrorCode = keyof typeof XML_ERRORS;
export type XmlError = AshlarError<XmlErrorCode>;

export const xmlFailure: ReturnType<typeof failures<typeof XML_ERRORS>> = failures(XML_ERRORS);
