// Speed of the CPU executor on a model of SmolLM2-135M's shape with random weights: Q4_1 matrices, Q8_0 embedding and
// head. `node bench/decode.ts`; some ten seconds. Prints tokens per second, op by op, and ratios to the ceilings measured
// in the same run. Random weights cost what trained ones do.
import { OpProfiler } from '../src/engine/cpu/profile-ops.ts';
import { byteLengthOf } from '../src/engine/formats/tensor-types.ts';
import { syntheticProgram, syntheticWeights } from '../test/cases/synthetic-model.ts';
import { measureRoofline } from './roofline.ts';
import { shapeNamed } from './shapes.ts';

const CHUNK_POSITIONS = 64;

const { config, typeOf } = shapeNamed('smollm2');
const program = syntheticProgram(config);
const weights = syntheticWeights(program, typeOf, 1);
const profiler = await OpProfiler.open(program, weights, config.contextLength);
const roofline = await measureRoofline();

const matrices = program.ops.flatMap((op) => (op.op === 'matmul' ? (weights.info(op.weight) ?? []) : []));
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

function report(title: string, tokenCount: number, position: number): void {
  const tokens = Array.from({ length: tokenCount }, (_, i) => 100 + i);
  const times = profiler.times(tokens, position, tokenCount === 1 ? 30 : 5);
  const total = times.reduce((sum, { ms }) => sum + ms, 0) / 1000;
  const arithmetic = (2 * weightCount * tokenCount) / roofline.flopsPerSecond;
  const reading = weightBytes / roofline.bytesPerSecond;
  const parts = times
    .map(({ name, ms }) => ({ name, seconds: ms / 1000 }))
    .filter(({ seconds }) => seconds > total / 200);
  const share = (part: number): string => `${((100 * part) / total).toFixed(0)} %`;
  console.log(`${title}: ${(tokenCount / total).toFixed(1)} tokens/s, ${(total * 1e3).toFixed(1)} ms`);
  console.log(
    `  of the time that the ceilings allow: arithmetic ${share(arithmetic)}, reading weights ${share(reading)}`,
  );
  console.log(`  ${parts.map(({ name, seconds }) => `${name} ${share(seconds)}`).join(', ')}`);
}
