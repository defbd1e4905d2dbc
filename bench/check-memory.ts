// Memory and time of the local check on a model of Qwen2.5-1.5B's shape with random weights, made from a seed and never
// written to disk: with taps judged and dropped layer by layer, a deeper model must cost no more than its weights do.
//   node --expose-gc bench/check-memory.ts [--layers 28] [--positions 8]
import { parseArgs } from 'node:util';
import { Judge } from '../src/diagnosis/check/judge.ts';
import { openCpuExecutor } from '../src/engine/cpu/cpu-executor.ts';
import type { WeightSource } from '../src/engine/index.ts';
import { syntheticProgram, syntheticWeights } from '../test/cases/synthetic-model.ts';
import { shapeNamed } from './shapes.ts';

const { values } = parseArgs({
  options: { layers: { type: 'string', default: '28' }, positions: { type: 'string', default: '8' } },
});
const QWEN2_1_5B = { ...shapeNamed('1.5b').config, layerCount: Number(values.layers) };

const program = syntheticProgram(QWEN2_1_5B);
/** Every layer has the weights of layer 0, so that the weights themselves do not grow in JavaScript's memory. */
const one = syntheticWeights(syntheticProgram({ ...QWEN2_1_5B, layerCount: 1 }), () => 'q4_k', 1);
const weights: WeightSource = {
  info(name) {
    const info = one.info(name.replace(/^blk\.\d+\./, 'blk.0.'));
    return info === undefined ? undefined : { ...info, name };
  },
  read: (name, byteOffset, into) => one.read(name.replace(/^blk\.\d+\./, 'blk.0.'), byteOffset, into),
};

const tokens = Array.from({ length: Number(values.positions) }, (_, i) => 1000 * i + 7);
const executor = await openCpuExecutor(program, weights);
const formats = { profile: executor.profile, undeclared: [] };
const judge = new Judge({ program, weights, tokens, formats, hasFreeRun: true, original: null });
const session = await executor.openSession(tokens.length);
const heldMiB: number[] = [];
const startMs = performance.now();
const layers = new Map(program.values.map(({ id, layer }) => [id, layer]));
await session.run({
  tokens,
  logits: 'none',
  tap: {
    values: judge.tap.values,
    async onValue(value, data, firstPosition) {
      await judge.tap.onValue(value, data, firstPosition);
      if (!value.endsWith('post_ffn_residual')) return;
      globalThis.gc?.();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      heldMiB[layers.get(value) ?? 0] = (heapUsed + arrayBuffers) / 2 ** 20;
    },
  },
});
const results = judge.finish();
const elements = results.reduce((sum, { elementCount }) => sum + elementCount, 0);
const suspects = results.filter(({ status }) => status !== 'healthy');
const lines = [
  `${program.ops.length} ops, ${elements.toLocaleString('en-US')} elements, ${((performance.now() - startMs) / 1000).toFixed(0)} s`,
  `held after each layer, MiB: ${heldMiB.map((mib) => mib.toFixed(1)).join(' ')}`,
  `not healthy: ${suspects.length}${suspects.map(({ value, rhoExpected }) => ` ${value} ${rhoExpected.toFixed(2)}`).join('')}`,
];
process.stdout.write(`${lines.join('\n')}\n`);
