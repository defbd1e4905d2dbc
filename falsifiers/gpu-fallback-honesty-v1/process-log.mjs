// Loaded into every process of Node that a part starts: writes down its id and what it runs. Changes nothing.
import { appendFileSync } from 'node:fs';

const log = process.env['REFUTE_PROCESS_LOG'];
if (log !== undefined) appendFileSync(log, `${process.pid} ${process.argv[1] ?? ''}\n`);
