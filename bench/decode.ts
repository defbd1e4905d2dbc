// Speed of the CPU executor on a model of SmolLM2-135M's shape with random weights: Q4_1 matrices, Q8_0 embedding and
// head. `node bench/decode.ts`; some ten seconds. Prints tokens per second, op by op, and ratios to the ceilings measured
// in the same run. Random weights cost what trained ones do.
import { loadProgram } from '../src/engine/cpu/load-program.ts';
import { Workspace } from '../src/engine/cpu/workspace.ts';
import { MAX_MEMORY_BYTES } from '../src/engine/cpu/kernels/kernel-memory.ts';
import { byteLengthOf, type TensorTypeName } from '../src/engine/formats/tensor-types.ts';
import { PLAIN, syntheticProgram, syntheticWeights, type SyntheticConfig } from '../test/cases/synthetic-model.ts';
import { measureRoofline } from './roofline.ts';

const SMOLLM2_135M: SyntheticConfig = {
  ...PLAIN,
  attentionScale: 1 / 8,
  architecture: 'llama',
  layerCount: 30,
  modelDim: 576,
  ffnDim: 1536,
  headCount: 9,
  kvHeadCount: 3,
  headDim: 64,
  vocabSize: 49_152,
  contextLength: 2048,
  rmsNormEps: 1e-5,
  rope: { theta: 100_000, rotaryDim: 64, pairing: 'norm', scaling: { type: 'none' } },
  slidingWindow: null,
  hasQkvBias: false,
  isTied: true,
};
const CHUNK_POSITIONS = 64;

const program = syntheticProgram(SMOLLM2_135M);
const typeOf = (name: string): TensorTypeName => (name === 'token_embd.weight' ? 'q8_0' : 'q4_1');
const limits = { bankByteLimit: MAX_MEMORY_BYTES, chunkPositions: CHUNK_POSITIONS };
const loaded = await loadProgram(program, syntheticWeights(program, typeOf, 1), limits);
const workspace = new Workspace(loaded, SMOLLM2_135M.contextLength);
const roofline = await measureRoofline();

const matrices = program.ops.flatMap((op) => (op.op === 'matmul' ? [loaded.infoOf(op.weight)] : []));
const weightCount = matrices.reduce((sum, { shape }) => sum + (shape[0] ?? 0) * (shape[1] ?? 0), 0);
const weightBytes = matrices.reduce(
  (sum, { type, shape }) => sum + byteLengthOf(type, (shape[0] ?? 0) * (shape[1] ?? 0)),
  0,
);

console.log(
  `ceilings, one core: ${(roofline.flopsPerSecond / 1e9).toFixed(1)} GFLOP/s (f32 multiply and add), ` +
    `${(roofline.bytesPerSecond / 1e9).toFixed(1)} GB/s (reading)`,
);
report('decode at position 128', 1, 128);
report('decode at position 1024', 1, 1024);
report(`prefill of ${CHUNK_POSITIONS} at position 128`, CHUNK_POSITIONS, 128);

/**
 * Runs the whole program several times, op after op as a model does, so that no op finds its weights in the cache from its
 * own last run; sums the fastest time of each op, which is the whole run's time on an undisturbed machine.
 */
function report(title: string, tokenCount: number, position: number): void {
  workspace.chunk.tokens = Array.from({ length: tokenCount }, (_, i) => 100 + i);
  workspace.chunk.firstPosition = position;
  workspace.fillRopeTables(tokenCount);
  const fastest = workspace.steps.map(() => Infinity);
  for (let pass = 0; pass <= (tokenCount === 1 ? 30 : 5); pass++) {
    for (const [i, step] of workspace.steps.entries()) {
      const start = performance.now();
      step.run(0, tokenCount);
      fastest[i] = Math.min(fastest[i] ?? Infinity, performance.now() - start);
    }
  }
  const seconds = new Map<string, number>();
  for (const [i, step] of workspace.steps.entries()) {
    const op = program.ops[step.opIndex];
    if (op === undefined) continue;
    const name = op.op === 'matmul' ? `matmul ${loaded.infoOf(op.weight).type}` : op.op;
    seconds.set(name, (seconds.get(name) ?? 0) + (fastest[i] ?? Infinity) / 1000);
  }
  const total = [...seconds.values()].reduce((sum, value) => sum + value, 0);
  const arithmetic = (2 * weightCount * tokenCount) / roofline.flopsPerSecond;
  const reading = weightBytes / roofline.bytesPerSecond;
  const parts = [...seconds].filter(([, value]) => value > total / 200).toSorted((a, b) => b[1] - a[1]);
  const share = (part: number): string => `${((100 * part) / total).toFixed(0)} %`;
  console.log(`${title}: ${(tokenCount / total).toFixed(1)} tokens/s, ${(total * 1e3).toFixed(1)} ms`);
  console.log(
    `  of the time that the ceilings allow: arithmetic ${share(arithmetic)}, reading weights ${share(reading)}`,
  );
  console.log(`  ${parts.map(([name, value]) => `${name} ${share(value)}`).join(', ')}`);
}
