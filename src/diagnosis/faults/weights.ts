// Faults of loading: the right bytes in the wrong place, the wrong bytes in the right one. They work on stored bytes,
// whole rows at a time, so that they mean the same for every tensor type.
import type { ModelTransform } from '../../engine/model/model.ts';
import type { WeightInfo, WeightSource } from '../../engine/program/executor.ts';
import type { AttentionOp } from '../../engine/program/program.ts';
import { modelVariant, type Fault } from './fault.ts';
import { corruptTensors, isAtSite, layerOfWeight, renameTensors, rewriteOps, type Site } from './rewrite.ts';

/** At the site, `first` is read where `second` is wanted and the reverse. The two have one shape. */
function swapped(site: Site, first: string, second: string): ModelTransform {
  const renamed = (name: string): string => {
    if (name.includes(`.${first}.`)) return name.replace(first, second);
    return name.includes(`.${second}.`) ? name.replace(second, first) : name;
  };
  return {
    program: (program) =>
      rewriteOps(program, site, (op) =>
        op.op === 'matmul' || op.op === 'addBias' ? { ...op, weight: renamed(op.weight) } : op,
      ),
  };
}

/** Rows of every head reordered from halves to adjacent pairs: row 2i and 2i + 1 become i and i + half. */
function permuteHeadRows(bytes: Uint8Array, info: WeightInfo, headDim: number): void {
  const rowCount = info.shape[0] ?? 1;
  const rowBytes = info.byteLength / rowCount;
  const original = bytes.slice();
  for (let row = 0; row < rowCount; row++) {
    const [head, inHead] = [Math.floor(row / headDim), row % headDim];
    const source = head * headDim + (inHead % (headDim / 2)) * 2 + Math.floor(inHead / (headDim / 2));
    bytes.set(original.subarray(source * rowBytes, (source + 1) * rowBytes), row * rowBytes);
  }
}

/** With the heads of the program, which is transformed first; a weight transform sees only weights. */
function withHeads(
  transform: (weights: WeightSource, heads: Pick<AttentionOp, 'headCount' | 'kvHeadCount' | 'headDim'>) => WeightSource,
): ModelTransform {
  let heads = { headCount: 0, kvHeadCount: 0, headDim: 0 };
  return {
    program(program) {
      const attention = program.ops.find((op) => op.op === 'attention');
      if (attention?.op === 'attention') heads = attention;
      return program;
    },
    weights: (weights) => transform(weights, heads),
  };
}

function permutedQueryKey(isWrong: (name: string) => boolean): ModelTransform {
  return withHeads((weights, { headDim }) =>
    corruptTensors(weights, isWrong, (bytes, info) => permuteHeadRows(bytes, info, headDim)),
  );
}

/**
 * Rows of query, key and value, one below the other, taken for a matrix in which the heads of a group stand together:
 * its queries, its key, its value, then the next group.
 */
function dealtOut(site: Site): ModelTransform {
  return withHeads((weights, { headCount, kvHeadCount, headDim }) => {
    const perGroup = headCount / kvHeadCount;
    const isWrong = (name: string): boolean => /attn_[qkv]\.weight$/.test(name) && isWeightAt(site, name);
    return corruptTensors(weights, isWrong, async (bytes, info) => {
      const [kind = ''] = /[qkv](?=\.weight$)/.exec(info.name) ?? [];
      const headBytes = (headDim * info.byteLength) / (info.shape[0] ?? 1);
      for (let head = 0; head * headBytes < bytes.length; head += 1) {
        const group = kind === 'q' ? Math.floor(head / perGroup) : head;
        const inGroup = kind === 'q' ? head % perGroup : kind === 'k' ? perGroup : perGroup + 1;
        const place = group * (perGroup + 2) + inGroup;
        // What stands there of q, k and v, one below the other.
        const isQuery = place < headCount;
        const isKey = !isQuery && place < headCount + kvHeadCount;
        const stored = isQuery ? 'q' : isKey ? 'k' : 'v';
        const first = isQuery ? 0 : isKey ? headCount : headCount + kvHeadCount;
        const into = bytes.subarray(head * headBytes, (head + 1) * headBytes);
        await weights.read(info.name.replace(/[qkv](?=\.weight$)/, stored), (place - first) * headBytes, into);
      }
    });
  });
}

function zeroed(isWrong: (name: string) => boolean): ModelTransform {
  return { weights: (weights) => corruptTensors(weights, isWrong, (bytes) => void bytes.fill(0)) };
}

/** `site` of a weight, for transforms that see names only; `one` is layer 1. */
function isWeightAt(site: Site, name: string): boolean {
  return isAtSite(site, layerOfWeight(name), Number.MAX_SAFE_INTEGER);
}

export const WEIGHT_FAULTS: readonly Fault[] = [
  {
    id: 'W2',
    title: 'query and key rows left in the other rotary order',
    bugClass: 'LAYOUT_TRANSPOSED',
    firstStage: 'qkv_matmul',
    needs: 'a position after 0, to show in the logits; the projection shows it at once',
    gross: modelVariant(
      'query and key rows permuted in every layer',
      permutedQueryKey((name) => /attn_[qk]\.weight$/.test(name)),
    ),
    small: modelVariant(
      'key rows permuted in one layer',
      permutedQueryKey((name) => name.endsWith('attn_k.weight') && isWeightAt('one', name)),
    ),
  },
  {
    id: 'W3',
    title: 'key and value projections swapped',
    bugClass: 'QKV_FAILURE',
    firstStage: 'qkv_matmul',
    needs: 'any input',
    gross: modelVariant('key and value swapped in every layer', swapped('all', 'attn_k', 'attn_v')),
    small: modelVariant('key and value swapped in one layer', swapped('one', 'attn_k', 'attn_v')),
  },
  {
    id: 'W4',
    title: 'gate and up projections swapped',
    bugClass: 'FFN_FAILURE',
    firstStage: 'ffn_gate',
    needs: 'any input',
    gross: modelVariant('gate and up swapped in every layer', swapped('all', 'ffn_gate', 'ffn_up')),
    small: modelVariant('gate and up swapped in one layer', swapped('one', 'ffn_gate', 'ffn_up')),
  },
  {
    id: 'W20',
    title: 'rows of a fused matrix of query, key and value taken in another order',
    bugClass: 'QKV_FAILURE',
    firstStage: 'qkv_matmul',
    needs: 'more than one kv head; q, k and v stored in one type',
    gross: modelVariant('group by group in every layer', dealtOut('all')),
    small: modelVariant('group by group in one layer', dealtOut('one')),
  },
  {
    id: 'W17',
    title: 'biases of query, key and value not added',
    bugClass: 'QKV_FAILURE',
    firstStage: 'qkv_bias',
    needs: 'a model with such biases',
    gross: modelVariant(
      'all three biases missing in every layer',
      zeroed((name) => name.endsWith('.bias')),
    ),
    small: modelVariant(
      'the value bias missing in one layer',
      zeroed((name) => name.endsWith('attn_v.bias') && isWeightAt('one', name)),
    ),
  },
  {
    id: 'W19',
    title: 'a layer computes with its neighbour’s weights',
    bugClass: 'WEIGHT_LOAD_FAILURE',
    firstStage: 'attn_norm',
    needs: 'two layers',
    gross: modelVariant('layer 1 has every weight of layer 0', {
      weights: (weights) => renameTensors(weights, (name) => name.replace(/^blk\.1\./, 'blk.0.')),
    }),
    small: modelVariant('layer 1 has the feed-forward norm of layer 0', {
      weights: (weights) => renameTensors(weights, (name) => name.replace('blk.1.ffn_norm', 'blk.0.ffn_norm')),
    }),
  },
  {
    id: 'E3',
    title: 'embedding rows belong to other tokens',
    bugClass: 'EMBEDDING_FAILURE',
    firstStage: 'embedding',
    needs: 'a token whose row is wrong',
    gross: modelVariant('every token reads the row before its own', {
      weights: (weights) =>
        corruptTensors(
          weights,
          (name) => name === 'token_embd.weight',
          (bytes, info) => {
            const rowBytes = info.byteLength / (info.shape[0] ?? 1);
            const last = bytes.slice(bytes.length - rowBytes);
            bytes.copyWithin(rowBytes, 0, bytes.length - rowBytes);
            bytes.set(last, 0);
          },
        ),
    }),
    small: modelVariant('the highest bit of the first byte of one row in eight is flipped', {
      weights: (weights) =>
        corruptTensors(
          weights,
          (name) => name === 'token_embd.weight',
          (bytes, info) => {
            const rowBytes = info.byteLength / (info.shape[0] ?? 1);
            for (let at = 0; at < bytes.length; at += 8 * rowBytes) bytes[at] = (bytes[at] ?? 0) ^ 0x80;
          },
        ),
    }),
  },
];
