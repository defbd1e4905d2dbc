// The tensors that stretch a rotation, before anything runs: each factor divides a frequency, so that one of 0 makes
// every logit NaN and a negative one turns a pair backwards.
import { RefuteError } from '../../errors.ts';
import { dequantize } from '../cpu/dequantize.ts';
import { quoted } from '../formats/quoted.ts';
import type { WeightSource } from '../program/executor.ts';
import { ropeWeights, type Program } from '../program/program.ts';

/**
 * As many numbers as a head has pairs, of every tensor that a program's rotations read.
 *
 * @throws RefuteError E_ROPE_FACTORS: a factor is not a finite number above 0
 */
export async function checkFactors(path: string, program: Program, weights: WeightSource): Promise<void> {
  const names = program.ops.flatMap((op) => (op.op === 'rope' ? ropeWeights(op.rope.scaling) : []));
  for (const name of new Set(names)) {
    const info = weights.info(name);
    if (info === undefined) continue;
    const bytes = new Uint8Array(info.byteLength);
    await weights.read(name, 0, bytes);
    const values = await dequantize(info.type, bytes);
    const index = values.findIndex((value) => !(value > 0 && value < Number.POSITIVE_INFINITY));
    if (index === -1) continue;
    throw new RefuteError({
      code: 'E_ROPE_FACTORS',
      place: path,
      is: `factor ${index} of tensor ${quoted(name)} is ${values[index]}`,
      allowed: 'each divides the frequency of a rotation, so it must be a finite number above 0',
      next: 'Convert the model again, or compare the tensor with its source',
    });
  }
}
