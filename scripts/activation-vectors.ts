// Writes falsifiers/vectors/activation-formats: rows, and what the CPU builds of ggml that this machine runs make of them in
// each format of activations; one file for builds whose bytes are the same. And their tables of GELU.
import { mkdirSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { ggmlBuilds } from '../falsifiers/kit/oracles/ggml-quantizers.ts';
import { bf16 } from '../falsifiers/subject-formats-v1/bf16.ts';
import { VECTOR_FOLDER, type RecordedFormat } from '../falsifiers/subject-formats-v1/claim.ts';
import { f16 } from '../falsifiers/subject-formats-v1/f16.ts';
import { GELU_TABLE } from '../falsifiers/subject-formats-v1/gelu.ts';
import { q8_0 } from '../falsifiers/subject-formats-v1/q8_0.ts';
import { q8_1 } from '../falsifiers/subject-formats-v1/q8_1.ts';
import { q8_k } from '../falsifiers/subject-formats-v1/q8_k.ts';
import { rowsOf } from '../falsifiers/subject-formats-v1/rows.ts';

const SEED = 9;
/** Of all rows of a format, about twice this. */
const ELEMENTS = 2 ** 13;

const { version, builds } = ggmlBuilds();
const producer = { name: 'ggml', version };

function write(name: string, bytes: Uint8Array | string): void {
  writeFileSync(`${VECTOR_FOLDER}/${name}`, bytes);
}

/** The bytes of every build that has other bytes than those before it. */
function distinct(bytesOf: (build: (typeof builds)[number]) => Uint8Array): { variant: string; bytes: Uint8Array }[] {
  const kinds = new Map<string, { variant: string; bytes: Uint8Array }>();
  for (const build of builds) {
    const bytes = bytesOf(build);
    const key = Buffer.from(bytes).toString('base64');
    if (!kinds.has(key)) kinds.set(key, { variant: build.variant, bytes });
  }
  return [...kinds.values()];
}

mkdirSync(VECTOR_FOLDER, { recursive: true });
for (const { name, rows, quantizers } of [f16, bf16, q8_0, q8_1, q8_k]) {
  const all = fc.sample(rowsOf(rows), { seed: SEED, numRuns: ELEMENTS / rows.elements });
  const x = Float32Array.from(all.flatMap((row) => [...row]));
  const records: RecordedFormat['records'] = [];
  for (const quantizer of quantizers) {
    for (const { variant, bytes } of distinct((build) => build.quantize(quantizer, x))) {
      const file = `${name}.${quantizer.name}.${variant}.bin`;
      records.push({ variant, quantizer: quantizer.name, file });
      write(file, bytes);
    }
  }
  write(`${name}.rows.bin`, new Uint8Array(x.buffer));
  write(`${name}.json`, `${JSON.stringify({ producer, records }, null, 2)}\n`);
}
const tables = distinct((build) => new Uint8Array(build.table(GELU_TABLE).buffer));
for (const { variant, bytes } of tables) write(`gelu.${variant}.bin`, bytes);
const records = tables.map(({ variant }) => ({ variant, quantizer: GELU_TABLE, file: `gelu.${variant}.bin` }));
write('gelu.json', `${JSON.stringify({ producer, records }, null, 2)}\n`);
