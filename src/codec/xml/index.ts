export { XmlElement } from "./element.ts";
export { XML_ERRORS, type XmlError, type XmlErrorCode } from "./errors.ts";
export { encodeKeyUrl } from "./key-encoding.ts";
export { parseXml, type XmlLimits } from "./parse.ts";
export { escapeXml, S3_NAMESPACE, XML_DECLARATION, XmlWriter } from "./writer.ts";
