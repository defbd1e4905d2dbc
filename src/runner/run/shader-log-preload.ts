// Loaded by `--import` (NODE_OPTIONS) into every process of a part that is about a GPU: writes down which shader files are
// read, so that the receipt hangs on those and on no other. Changes nothing.
import { appendFileSync } from 'node:fs';
import { SHADER_LOG_VARIABLE } from './shader-log.ts';
import { interceptShaders } from './shader-reads.ts';

const log = process.env[SHADER_LOG_VARIABLE];
if (log !== undefined) {
  interceptShaders((path, text) => {
    appendFileSync(log, `${path}\n`);
    return text;
  });
}
