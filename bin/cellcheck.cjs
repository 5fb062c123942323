#!/usr/bin/env node
// Hands over to the built command line, whose compiled code V8 keeps beside it from the first run on: a process that
// compares a small case takes longer to compile than to run.
const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const vm = require('node:vm');

const file = path.join(__dirname, '..', 'dist', 'src', 'cli', 'main.cjs');
// V8 keeps the functions that a run has called, and each command calls others.
const command = ['verify', 'diagnose', 'inspect', 'list'].find((name) => name === process.argv[2]);
const keptFile = `${file}.${command}.${process.version}.${process.arch}.code`;

/**
 * Code that was kept of this very source, or nothing: V8 itself looks at the source's length only, and runs damaged code.
 * The file holds the source, and the code twice: comparing bytes takes no time, where a checksum would take all that the
 * code saves.
 */
function kept(source) {
  if (command === undefined) return undefined;
  try {
    const bytes = fs.readFileSync(keptFile);
    const middle = (bytes.length + source.length) / 2;
    const code = bytes.subarray(source.length, middle);
    const whole = bytes.subarray(0, source.length).equals(source) && code.equals(bytes.subarray(middle));
    return whole && code.length ? code : undefined;
  } catch {
    return undefined;
  }
}

/** What cannot be kept, as in a folder that is not ours, is compiled again. */
function keep(source, code) {
  const partial = `${keptFile}.${process.pid}`;
  try {
    fs.writeFileSync(partial, Buffer.concat([source, code, code]));
    fs.renameSync(partial, keptFile);
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
  const cachedData = kept(source);
  const script = new vm.Script(`(function (module, require, __filename) {${source.latin1Slice()}\n})`, {
    filename: file,
    cachedData,
  });
  const built = { exports: {} };
  script.runInThisContext()(built, createRequire(file), file);
  const pristine = await built.exports.main();
  // Of other flags of V8 than a process begins with, kept code is worth nothing.
  const whole = command !== undefined && process.exitCode !== 2 && pristine;
  if (whole && (!cachedData || script.cachedDataRejected)) keep(source, script.createCachedData());
  exit();
}

// Whatever ends this process before it has said how it went: that is no parity.
process.exitCode = 2;
start().catch((error) => {
  // Exit code 1 is kept for numbers that differ.
  process.stderr.write(
    `cellcheck: cannot start (${error.code ?? error.name}); was it built? npm ci builds it\n`,
  );
});
