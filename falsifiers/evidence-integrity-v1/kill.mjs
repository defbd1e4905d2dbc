// Loaded with --import into a process that is to die: numbers everything that it does to the file system (writes,
// flushes, renames and the rest) and ends it with SIGKILL at the n-th (KILL_AT=n); a write dies half done. With KILL_LOG
// it names each step in that file instead. For tests and falsifiers; the product knows nothing of it.
import fs, { closeSync, openSync, promises, writeSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

const killAt = Number(process.env.KILL_AT ?? Number.POSITIVE_INFINITY);
const log = process.env.KILL_LOG;
let count = 0;

/** True: this is where it ends. */
function isLast(name) {
  count += 1;
  if (log !== undefined) note(log, name);
  return count === killAt;
}

/** By system calls that are not numbered themselves. */
function note(path, name) {
  const file = openSync(path, 'a');
  writeSync(file, `${name}\n`);
  closeSync(file);
}

function die() {
  process.kill(process.pid, 'SIGKILL');
  // The signal arrives before the next system call; nothing below this line is ever seen.
  for (;;);
}

/** Leaves the first half of the content. */
function dieWriting(path, content, flags) {
  const bytes = Buffer.from(content);
  if (typeof path === 'string') writeSync(openSync(path, flags), bytes, 0, Math.floor(bytes.byteLength / 2));
  die();
}

for (const name of ['mkdir', 'rename', 'rm', 'unlink', 'chmod', 'truncate', 'copyFile']) {
  const original = promises[name];
  promises[name] = (...argv) => (isLast(name) ? die() : original.apply(promises, argv));
}
for (const name of ['mkdirSync', 'renameSync', 'rmSync', 'unlinkSync']) {
  const original = fs[name];
  fs[name] = (...argv) => (isLast(name) ? die() : original.apply(fs, argv));
}
for (const [name, flags] of [
  ['writeFile', 'w'],
  ['appendFile', 'a'],
]) {
  const original = promises[name];
  promises[name] = (...argv) => (isLast(name) ? dieWriting(argv[0], argv[1], flags) : original.apply(promises, argv));
}
const { writeFileSync } = fs;
// appendFileSync ends in this one.
fs.writeFileSync = (...argv) =>
  isLast('writeFileSync') ? dieWriting(argv[0], argv[1], argv[2]?.flag ?? 'w') : writeFileSync.apply(fs, argv);
const { open } = promises;
promises.open = async (...argv) => {
  if (isLast('open')) die();
  const handle = await open.apply(promises, argv);
  for (const name of ['write', 'writeFile', 'sync', 'datasync']) {
    const original = handle[name];
    handle[name] = (...rest) => (isLast(name) ? die() : original.apply(handle, rest));
  }
  return handle;
};
syncBuiltinESMExports();
