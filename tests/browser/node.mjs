// The same in Node: node node.mjs JUDGE.MJS INDEX.JS CASES.JSON
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

const [judgeFile, indexFile, casesFile] = process.argv.slice(2);
const { judge } = await import(pathToFileURL(judgeFile).href);
const verify = await import(pathToFileURL(indexFile).href);
process.stdout.write(JSON.stringify(await judge(JSON.parse(await readFile(casesFile, 'utf8')), verify)));
