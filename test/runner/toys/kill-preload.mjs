// Loaded with --import into a pv process that is to die: counts what it does to the file system and ends the process with
// SIGKILL at the n-th of it (KILL_AT=n). A write dies half done. Without KILL_AT it only counts, into KILL_COUNT.
import { promises, writeFileSync, writeSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const killAt = Number(process.env.KILL_AT ?? Number.POSITIVE_INFINITY);
const countFile = process.env.KILL_COUNT;
let count = 0;

function step() {
  count += 1;
  if (countFile !== undefined) writeFileSync(countFile, String(count));
  return count === killAt;
}

function die() {
  process.kill(process.pid, 'SIGKILL');
  // The signal arrives before the next system call; nothing below this line is ever seen.
  for (;;);
}

for (const name of ['mkdir', 'rename', 'rm']) {
  const original = promises[name];
  promises[name] = (...argv) => (step() ? die() : original.apply(promises, argv));
}
const { open } = promises;
promises.open = async (...argv) => {
  if (step()) die();
  const handle = await open.apply(promises, argv);
  const { writeFile, sync, close } = handle;
  handle.writeFile = (content, ...rest) => {
    if (step()) {
      const bytes = Buffer.from(content);
      writeSync(handle.fd, bytes, 0, Math.floor(bytes.byteLength / 2));
      die();
    }
    return writeFile.call(handle, content, ...rest);
  };
  handle.sync = () => (step() ? die() : sync.call(handle));
  handle.close = () => (step() ? die() : close.call(handle));
  return handle;
};
syncBuiltinESMExports();
