// Bundle the sources: two scripts that the Python package puts into its page. `node build.js worker` makes one of them,
// `node build.js --check` compares only.

import { build } from "esbuild";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url));
const SCRIPTS = ["page", "worker"];

/** @param {string} name */
async function bundle(name) {
  const result = await build({
    entryPoints: [here(`source/${name}.js`)],
    bundle: true,
    write: false,
    format: "iife",
    target: "es2022",
    charset: "utf8",
    minify: true,
    legalComments: "none",
  });
  return result.outputFiles[0].text;
}

const check = process.argv.includes("--check");
const named = process.argv.filter((word) => SCRIPTS.includes(word));
for (const name of named.length ? named : SCRIPTS) {
  const path = here(`../src/stepscape/explorer/built/${name}.js`);
  const text = await bundle(name);
  if (!check) writeFileSync(path, text);
  else if (!existsSync(path) || readFileSync(path, "utf8") !== text) {
    console.error(`${name}.js is not what its sources give: run 'npm run build' in explorer/ and commit the result`);
    process.exitCode = 1;
  }
}
