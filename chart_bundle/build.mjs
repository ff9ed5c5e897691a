// node build.mjs FOLDER DIGEST: writes charts.js, its packed form and the notices of what is in it.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const [folder, digest] = process.argv.slice(2);
if (!folder || !digest) throw new Error("say the folder to write to and the digest of the sources");

const result = await build({
  absWorkingDir: here,
  entryPoints: ["charts.js"],
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "none",
  metafile: true,
  write: false,
  banner: { js: `/* ${digest}; notices: NOTICES.txt */` },
});

const packages = new Set(
  Object.keys(result.metafile.inputs)
    .filter((path) => path.startsWith("node_modules/"))
    .map((path) => path.split("/")[1]),
);

/** Every licence and notice file of a package: at its top, and in `licenses` beside it. */
function notices(name) {
  const top = join(here, "node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(top, "package.json"), "utf8"));
  const files = (path, fits) => readdirSync(path, { withFileTypes: true }).filter((one) => one.isFile() && fits.test(one.name)).map((one) => join(path, one.name));
  const own = files(top, /^(licen[cs]e|notice|copying)/i);
  const more = existsSync(join(top, "licenses")) ? files(join(top, "licenses"), /./) : [];
  if (own.length === 0) throw new Error(`${name} ${version} brings no licence text`);
  const texts = [...own, ...more].sort().map((file) => readFileSync(file, "utf8").trim());
  return `${name} ${version} (${license})\n\n${texts.join("\n\n")}\n`;
}

const code = Buffer.from(result.outputFiles[0].contents);
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "NOTICES.txt"), [...packages].sort().map(notices).join(`\n${"=".repeat(72)}\n\n`));
writeFileSync(join(folder, "charts.js.gz"), gzipSync(code, { level: 9 }));
writeFileSync(join(folder, "charts.js"), code);
console.log(`${code.length} bytes, sha256 ${createHash("sha256").update(code).digest("hex").slice(0, 16)}, of ${[...packages].sort().join(", ")}`);
