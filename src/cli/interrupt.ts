// Ctrl-C, in one place. It ends the program at once; while a command runs work of its own that stops between two
// steps and then clears up, it asks for the signal, and only a second Ctrl-C ends it at once.

const controller = new AbortController();
let isHeard = false;

/** For `runCommandLine` alone. @returns whether the program was interrupted */
export function watchInterrupt(exitCode: number): () => boolean {
  process.on('SIGINT', () => {
    if (!isHeard || controller.signal.aborted) process.exit(exitCode);
    controller.abort();
  });
  return () => controller.signal.aborted;
}

/** From here on what runs must look at the signal. */
export function interruptSignal(): AbortSignal {
  isHeard = true;
  return controller.signal;
}
