#!/usr/bin/env node
// Hands over to the built command line, whose compiled code V8 keeps beside it from the first run on: a process that
// compares a small case takes longer to compile than to run.
const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const vm = require('node:vm');

const file = path.join(__dirname, '..', 'dist', 'src', 'cli', 'main.cjs');
// V8 keeps the functions that a run has called, and each command calls others.
const command = ['verify', 'inspect', 'list'].find((name) => name === process.argv[2]);
const keptFile = `${file}.${command}.${process.version}.${process.arch}.code`;

function read(name) {
  try {
    return fs.readFileSync(name);
  } catch {
    return undefined;
  }
}

/** What cannot be kept, as in a folder that is not ours, is compiled again. */
function keep(script) {
  const partial = `${keptFile}.${process.pid}`;
  try {
    fs.writeFileSync(partial, script.createCachedData());
    fs.renameSync(partial, keptFile);
  } catch {
    fs.rmSync(partial, { force: true });
  }
}

async function start() {
  const source = fs.readFileSync(file, 'latin1');
  const cachedData = read(keptFile);
  const script = new vm.Script(`(function (module, require, __filename) {${source}\n})`, {
    filename: file,
    cachedData,
  });
  const built = { exports: {} };
  script.runInThisContext()(built, createRequire(file), file);
  const pristine = await built.exports.main();
  // Of other flags of V8 than a process begins with, kept code is worth nothing.
  const whole = command !== undefined && process.exitCode !== 2 && pristine;
  if (whole && (!cachedData || script.cachedDataRejected)) keep(script);
}

start().catch((error) => {
  // Exit code 1 is kept for numbers that differ.
  process.stderr.write(
    `cellcheck: cannot start (${error.code ?? error.name}); was it built? npm ci builds it\n`,
  );
  process.exitCode = 2;
});
