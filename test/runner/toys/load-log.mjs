// Loaded with --import into every process of a run: appends the path of each module that Node loads, and of each file
// that is opened for reading, to the file that LOAD_LOG names. What a closure is compared with. The harness (`pv falsify`
// itself) is left out: it reads whole closures to digest them.
import fs, { openSync, promises, writeSync } from 'node:fs';
import { registerHooks, syncBuiltinESMExports } from 'node:module';
import { fileURLToPath } from 'node:url';

const log = openSync(process.env.LOAD_LOG, 'a');
const isHarness = process.argv[1]?.endsWith('pv.js') === true;
const note = (path) => {
  if (isHarness) return;
  const name = path instanceof URL ? fileURLToPath(path) : path;
  if (typeof name === 'string') writeSync(log, `${name}\n`);
};

registerHooks({
  load(url, context, nextLoad) {
    if (url.startsWith('file:')) note(fileURLToPath(url));
    return nextLoad(url, context);
  },
});
for (const [owner, name] of [
  [fs, 'readFileSync'],
  [fs, 'openSync'],
  [fs, 'createReadStream'],
  [promises, 'readFile'],
  [promises, 'open'],
]) {
  const original = owner[name];
  owner[name] = (...argv) => {
    note(argv[0]);
    return original.apply(owner, argv);
  };
}
syncBuiltinESMExports();
