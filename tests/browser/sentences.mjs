// What a member is told of each receipt: node sentences.mjs INDEX.JS CASES.JSON
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

const [indexFile, casesFile] = process.argv.slice(2);
const verify = await import(pathToFileURL(indexFile).href);
const said = [];
for (const [receipt, known] of JSON.parse(await readFile(casesFile, 'utf8'))) {
  const answer = await verify.verifyReceipt(new TextEncoder().encode(receipt), known);
  said.push({ code: answer.code, pl: verify.explain(answer, 'pl'), en: verify.explain(answer, 'en') });
}
process.stdout.write(JSON.stringify({ said, codes: verify.CODES }));
