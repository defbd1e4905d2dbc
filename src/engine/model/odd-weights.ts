// Weights that no training leaves behind, in words: NaN and infinities, matrices of one value, norms whose gains are all
// zero. Healthy and left alone: rows of zeros (padding), biases of zeros, vectors of ones, matrices of one row or column.
import type { Notice } from '../../notice.ts';
import { quoted } from '../formats/quoted.ts';
import type { WeightSource } from '../program/executor.ts';
import type { Program, WeightName } from '../program/program.ts';
import type { FileTensor } from './model.ts';
import { censusOf, type WeightCensus } from './weight-census.ts';

/** A weight and what is odd about it. `isBroken`: it holds NaN or infinity. */
export interface OddWeight extends WeightCensus {
  isBroken: boolean;
  notice: Notice;
}

export interface OddWeights {
  odd: OddWeight[];
  lookedAt: number;
  /** Beyond the limit, or of a type that cannot be decoded. */
  skipped: string[];
}

export interface OddWeightsOptions {
  /** null: it could not be compiled; then nothing is known of norms. */
  program: Program | null;
  weights: WeightSource;
  tensors: readonly Pick<FileTensor, 'name' | 'storedName' | 'type' | 'byteLength'>[];
  /** Smallest tensors first, so many bytes of them; all unless given. */
  byteLimit?: number;
  signal?: AbortSignal | undefined;
  onProgress?: (done: number, total: number) => void;
}

export async function oddWeights(options: OddWeightsOptions): Promise<OddWeights> {
  const { program, weights, tensors, byteLimit = Infinity, signal, onProgress } = options;
  const odd: { at: number; weight: OddWeight }[] = [];
  const skipped: string[] = [];
  const nameOf = fileNames(tensors);
  let left = byteLimit;
  const order = [...tensors.entries()].toSorted(([, a], [, b]) => (a.byteLength ?? 0) - (b.byteLength ?? 0));
  for (const [done, [at, tensor]] of order.entries()) {
    onProgress?.(done, order.length);
    left -= tensor.byteLength ?? 0;
    const info = tensor.type === null || left < 0 ? undefined : weights.info(tensor.name);
    const shown = nameOf(tensor.name);
    if (info === undefined) {
      skipped.push(shown);
      continue;
    }
    const weight = oddityOf(shown, await censusOf(weights, info, signal), program);
    if (weight !== null) odd.push({ at, weight });
  }
  const inFileOrder = odd.toSorted((a, b) => Number(b.weight.isBroken) - Number(a.weight.isBroken) || a.at - b.at);
  return { odd: inFileOrder.map(({ weight }) => weight), lookedAt: tensors.length - skipped.length, skipped };
}

/** What the file calls each weight; of a tensor that holds several, with the weight's own name. */
export function fileNames(tensors: readonly Pick<FileTensor, 'name' | 'storedName'>[]): (weight: WeightName) => string {
  const counts = new Map<string, number>();
  for (const { name, storedName = name } of tensors) counts.set(storedName, (counts.get(storedName) ?? 0) + 1);
  const names = new Map(
    tensors.map(({ name, storedName = name }) => {
      // Of a stack that single experts make.
      const shown = storedName.replace(/\.experts\.\d+\./, '.experts.*.');
      return [name, counts.get(storedName) === 1 ? shown : `${shown} (${name})`];
    }),
  );
  return (weight) => names.get(weight) ?? weight;
}

/** What a census says, as a sentence; null: nothing is odd. @param shown the file's own name of the tensor */
export function oddityOf(shown: string, census: WeightCensus, program: Program | null): OddWeight | null {
  const { name, shape, nanCount, infCount, first, constant, zeroExperts } = census;
  const found = (severity: Notice['severity'], code: string, is: string, isBroken = false): OddWeight => ({
    ...census,
    isBroken,
    notice: { severity, code, message: `tensor ${quoted(shown)} ${is}` },
  });
  if (first !== null) {
    const counts = [
      ...(nanCount > 0 ? [`${nanCount} NaN`] : []),
      ...(infCount > 0 ? [`${infCount} ${infCount === 1 ? 'infinity' : 'infinities'}`] : []),
    ];
    return found('warning', 'WEIGHTS-NONFINITE', `holds ${counts.join(' and ')}, first ${placeIn(shape, first)}`, true);
  }
  const isMatrix = shape.filter((extent) => extent > 1).length > 1;
  if (constant === 0 && (isMatrix || isSilentNorm(name, program))) {
    return found('warning', 'WEIGHTS-ZERO', 'is all zeros: it was probably not written or not read');
  }
  if (constant !== null && isMatrix) {
    return found('warning', 'WEIGHTS-CONSTANT', `has the value ${constant} in every place, which no training leaves`);
  }
  if (zeroExperts.length === 0) return null;
  const few = zeroExperts.slice(0, 8).join(', ') + (zeroExperts.length > 8 ? ', …' : '');
  return found('note', 'EXPERTS-ZERO', `is all zeros for ${zeroExperts.length} of ${shape[0]} experts: ${few}`);
}

function placeIn(shape: readonly number[], { row, column }: { row: number; column: number }): string {
  if (shape.length < 2) return `at ${column}`;
  const rows = shape.at(-2) ?? 1;
  const expert = shape.length > 2 ? `expert ${Math.floor(row / rows)}, ` : '';
  return `in ${expert}row ${row % rows}, column ${column}`;
}

/** Its gain, with what the architecture adds to it, is zero everywhere. */
function isSilentNorm(name: string, program: Program | null): boolean {
  const op = program?.ops.find((candidate) => candidate.op === 'rmsnorm' && candidate.weight === name);
  return op?.op === 'rmsnorm' && (op.gainOffset ?? 0) === 0;
}
