// Checks what clients of some system saw: was it linearizable? Run it with
// `node --conditions=ashlar-source examples/check-a-history.ts [HISTORY.jsonl]`; without a file it takes the one below.
import { readFile } from "node:fs/promises";
import { checkHistory, operationText, parseHistory } from "ashlar/checkers";

// Client 0 writes 1, then 2. Clients 1 and 2 read meanwhile and afterwards; the last read is stale.
const SEEN = `
{"process":0,"type":"invoke","f":"write","value":1}
{"process":0,"type":"ok","f":"write","value":1}
{"process":0,"type":"invoke","f":"write","value":2}
{"process":1,"type":"invoke","f":"read"}
{"process":1,"type":"ok","f":"read","value":2}
{"process":0,"type":"ok","f":"write","value":2}
{"process":2,"type":"invoke","f":"read"}
{"process":2,"type":"ok","f":"read","value":1}
`;

const file = process.argv[2];
const operations = parseHistory(file === undefined ? SEEN : await readFile(file, "utf8"));
const verdict = checkHistory(operations, { model: "register" });
console.log(verdict.verdict);
if (verdict.verdict === "violation") {
  for (const sentence of verdict.explanation) console.log(sentence);
  for (const operation of verdict.operations) console.log(`  ${operationText(operation)}`);
}
