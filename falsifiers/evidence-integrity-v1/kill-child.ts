// A process that writes one file with the product's writer and is killed meanwhile: `evidence-kill-child.ts <path>
// <byte count> <byte>`. Started by evidence-kills.ts.
import { writeFileAtomic } from '../../src/engine/io/write-file-atomic.ts';

const [path = '', count = '0', byte = '0'] = process.argv.slice(2);
await writeFileAtomic(path, new Uint8Array(Number(count)).fill(Number(byte)));
