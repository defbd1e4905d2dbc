// out[p, c] = W[token_p, c]: the rows of the embedding matrix, exact. (An engine that stores float32 rounds a row of a
// type with minima once; see dequantize-exact.ts.)
import type { WeightSource } from '../../../engine/program/executor.ts';
import type { WeightName } from '../../../engine/program/program.ts';
import { readRows } from '../weights.ts';

/** @returns [tokens, columns of the weight] */
export async function embed(tokens: readonly number[], weights: WeightSource, name: WeightName): Promise<Float64Array> {
  const columnCount = weights.info(name)?.shape.at(-1) ?? 0;
  const out = new Float64Array(tokens.length * columnCount);
  for (const [p, token] of tokens.entries()) {
    out.set(await readRows(weights, name, columnCount, token, 1), p * columnCount);
  }
  return out;
}
