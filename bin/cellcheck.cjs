#!/usr/bin/env node
// Starts the built command line with V8's code cache, which the first run writes beside it: for a small case, compiling
// takes longer than the comparison itself.
const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const vm = require('node:vm');

const file = path.join(__dirname, '..', 'dist', 'src', 'cli', 'main.cjs');
// A code cache holds the functions that a run has called, which differ by command.
const command = ['verify', 'diagnose', 'diff', 'inspect', 'list'].find((name) => name === process.argv[2]);
const cacheFile = `${file}.${command}.${process.version}.${process.arch}.code`;

/**
 * The cached code of this source, if the cache is intact. V8 checks only the length of the source, and would run
 * damaged code. So the file holds the source, and the code twice, to be compared byte by byte: a checksum would take as
 * long as the cache saves.
 */
function readCache(source) {
  if (command === undefined) return undefined;
  try {
    const bytes = fs.readFileSync(cacheFile);
    const middle = (bytes.length + source.length) / 2;
    const code = bytes.subarray(source.length, middle);
    const isIntact = bytes.subarray(0, source.length).equals(source) && code.equals(bytes.subarray(middle));
    return isIntact && code.length ? code : undefined;
  } catch {
    return undefined;
  }
}

/** Writes the cache; where the folder is not writable, every run compiles again. */
function writeCache(source, code) {
  const partial = `${cacheFile}.${process.pid}`;
  try {
    fs.writeFileSync(partial, Buffer.concat([source, code, code]));
    fs.renameSync(partial, cacheFile);
  } catch {
    fs.rmSync(partial, { force: true });
  }
}

// Bytes of memory above which V8 may want to collect garbage; a small case has less.
const MUCH_MEMORY = 14e6;

/**
 * Ends the process. Node waits for what V8 compiles in the background, and waits for ever where such a compilation waits
 * for a garbage collection, which only this thread can make (nodejs/node#54918). So no compilation is begun any more, and
 * garbage is collected once, where there is much: then those that run have all the memory they need.
 */
function exit() {
  const { heapUsed, external } = process.memoryUsage();
  if (heapUsed + external > MUCH_MEMORY) {
    const v8 = require('node:v8');
    for (const flag of ['--no-opt', '--expose-gc']) v8.setFlagsFromString(flag);
    vm.runInNewContext('gc')();
  }
  process.exit();
}

async function start() {
  const source = fs.readFileSync(file);
  const cachedData = readCache(source);
  const script = new vm.Script(`(function (module, require, __filename) {${source.latin1Slice()}\n})`, {
    filename: file,
    cachedData,
  });
  const built = { exports: {} };
  script.runInThisContext()(built, createRequire(file), file);
  const pristine = await built.exports.main();
  // V8 rejects code that was compiled with other flags than it has when the next process starts.
  const isReusable = command !== undefined && process.exitCode !== 2 && pristine;
  if (isReusable && (!cachedData || script.cachedDataRejected)) writeCache(source, script.createCachedData());
  exit();
}

// The exit code if the process ends early, for whatever reason: no verdict.
process.exitCode = 2;
start().catch((error) => {
  // The exit code stays 2, because 1 means that numbers differ.
  process.stderr.write(
    `cellcheck: cannot start (${error.code ?? error.name}); was it built? npm ci builds it\n`,
  );
  exit();
});
