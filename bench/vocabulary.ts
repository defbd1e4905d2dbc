// What a large SentencePiece vocabulary costs: reading it, the first encoding, the next ones; beside llama.cpp on the same
// file in one run. `node bench/vocabulary.ts [FILE]`, Gemma 3 270M unless given; a quarter of a minute.
//
// Seen on 2 cores, shared with other work, the least disturbed of three runs (262,144 tokens): header 111 ms, vocabulary
// 71 ms, first encoding 21 ms; 9,990 characters 3.4 ms, llama.cpp 2.2 ms, which reads the vocabulary in 940 ms.
// `apr tokenize` as a whole 0.32 s and 178 MB.
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { parseGguf } from '../src/engine/formats/gguf.ts';
import { openFile } from '../src/engine/io/open-file.ts';
import { createTextModel } from '../src/engine/text/create-text-model.ts';
import { loadLlamaCpp } from '../src/oracles/external/llama-cpp.ts';
import { bestOf } from './best-of.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const path = process.argv[2] ?? `${root}models/cache/gemma-3-270m-q4_k_m.gguf`;
const LONG = 'The quick brown fox jumps. '.repeat(370);
const OPTIONS = { parseSpecial: false, addBos: false };
const RUNS = 20;

for (const argv of [
  ['inspect', path],
  ['tokenize', path, 'Hello'],
]) {
  await timed(`apr ${argv[0]}, the whole program`, () =>
    execa('node', [`${root}bin/apr.js`, ...argv], { reject: false }),
  );
}
const source = await openFile(path);
const { metadata } = await timed('header', () => parseGguf(source));
await source.close();
const model = await timed('vocabulary', () => createTextModel(metadata));
await timed('first encoding', () => model.encode('Hello', OPTIONS));
report(
  `${LONG.length} characters`,
  bestOf(RUNS, () => model.encode(LONG, OPTIONS)),
);

const loaded = await loadLlamaCpp();
if (!loaded.available) console.log(`llama.cpp: ${loaded.reason}`);
else {
  const oracle = await timed('llama.cpp: vocabulary', () => loaded.llama.openModel(path, { vocabOnly: true }));
  report(
    `llama.cpp: ${LONG.length} characters`,
    bestOf(RUNS, () => oracle.tokenize(LONG, { parseSpecial: false })),
  );
  await oracle.close();
  await loaded.llama.close();
}

async function timed<Result>(what: string, work: () => Result | Promise<Result>): Promise<Result> {
  const start = performance.now();
  const result = await work();
  report(what, (performance.now() - start) / 1000);
  return result;
}

function report(what: string, seconds: number): void {
  const megabytes = process.memoryUsage.rss() / 1e6;
  console.log(
    `${what.padEnd(40)} ${(1000 * seconds).toFixed(1).padStart(8)} ms   ${megabytes.toFixed(0).padStart(4)} MB`,
  );
}
