/** Signals that end a program, and the exit codes that shells report for them. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

type ExitCode = (typeof SIGNALS)[keyof typeof SIGNALS];

const handlers: ((exitCode: ExitCode) => void)[] = [];

const listeners = Object.entries(SIGNALS).map(([signal, exitCode]) => ({
  signal,
  listen: () => handlers.at(-1)!(exitCode),
}));

/**
 * Calls a function instead of ending the process when a signal asks for its end. Of several functions the latest is
 * called.
 * @returns what removes it
 */
export function whenInterrupted(handler: (exitCode: ExitCode) => void): () => void {
  if (handlers.length === 0) for (const { signal, listen } of listeners) process.on(signal, listen);
  handlers.push(handler);
  return () => {
    const index = handlers.indexOf(handler);
    if (index < 0) return;
    handlers.splice(index, 1);
    if (handlers.length === 0) for (const { signal, listen } of listeners) process.off(signal, listen);
  };
}
