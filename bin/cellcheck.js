#!/usr/bin/env node
try {
  const { main } = await import('../dist/src/cli/main.js');
  await main();
} catch (error) {
  // Exit code 1 is kept for numbers that differ.
  process.stderr.write(
    `cellcheck: cannot start (${error.code ?? error.name}); was it built? npm ci builds it\n`,
  );
  process.exitCode = 2;
}
