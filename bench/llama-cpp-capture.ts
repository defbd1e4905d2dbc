// What it costs to have every value of llama.cpp: seconds and peak memory of both processes, with all taps and with none,
// on SmolLM2-135M (npm run models). Linux only, where llama.cpp runs as a subject.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openModel } from '../src/engine/model/open-model.ts';
import { openLlamaCppExecutor } from '../src/oracles/external/llama-cpp-subject/llama.cpp-executor.ts';

const PATH = fileURLToPath(new URL('../models/cache/SmolLM2-135M-Instruct.Q4_1.gguf', import.meta.url));

const peakMegabytes = (pid: number | string): string => {
  const kilobytes = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  return `${Math.round(kilobytes / 1024)} MB`;
};
const seconds = (from: number, to: number): string => `${((to - from) / 1000).toFixed(2)} s`;

const model = await openModel(PATH);
console.log('tokens  taps  opening  run      tapped    peak of llama.cpp  peak here');
for (const count of [17, 200]) {
  for (const isWatched of [false, true]) {
    const start = performance.now();
    const executor = await openLlamaCppExecutor(model.program, model.weights, { subject: { modelPath: PATH } });
    const opened = performance.now();
    const shown = model.program.values.flatMap(({ id }) => (executor.hidden.has(id) ? [] : [id]));
    let bytes = 0;
    const onValue = (_: string, { byteLength }: Float32Array): void => {
      bytes += byteLength;
    };
    const session = await executor.openSession(count);
    const tokens = Array.from({ length: count }, (_, i) => (500 + i * 7919) % model.program.vocabSize);
    await session.run({ tokens, logits: 'all', tap: { values: new Set(isWatched ? shown : []), onValue } });
    const done = performance.now();
    const memory = [peakMegabytes(executor.pid ?? ''), peakMegabytes('self')];
    const cells = [count, isWatched ? 'all' : 'none', seconds(start, opened), seconds(opened, done)];
    console.log([...cells, `${Math.round(bytes / 1e6)} MB`, ...memory].join('  '));
    session.close();
    await executor.close();
  }
}
await model.close();
