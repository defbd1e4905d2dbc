// Which stage files a capture must have, and how long they must be: written from the published description of the stages,
// not taken from the product's program. S positions, M model, Q query, K key-value, F feed-forward, V vocabulary channels.
import type { SlowModel } from '../kit/references/slow-forward.ts';

type Shape = Pick<
  SlowModel,
  'layerCount' | 'modelDim' | 'ffnDim' | 'headCount' | 'kvHeadCount' | 'headDim' | 'vocabSize'
> & { hasBias: boolean };

interface ExpectedStage {
  /** `first`: in layer 0 only; `layer`: in every layer; `model`: once, at the root. */
  scope: 'first' | 'layer' | 'model';
  elementCount(shape: Shape, positions: number): number;
}

const model = ({ modelDim }: Shape, positions: number): number => positions * modelDim;
const query = ({ headCount, headDim }: Shape, positions: number): number => positions * headCount * headDim;
const keyValue = ({ kvHeadCount, headDim }: Shape, positions: number): number => positions * kvHeadCount * headDim;
const joined = (shape: Shape, positions: number): number => query(shape, positions) + 2 * keyValue(shape, positions);
const scores = ({ headCount }: Shape, positions: number): number => headCount * positions * positions;
const feedForward = ({ ffnDim }: Shape, positions: number): number => positions * ffnDim;

/** In canonical order. `v` is ours, the rest are the original's; those of mixtures of experts are not in these models. */
export const EXPECTED_STAGES: Readonly<Record<string, ExpectedStage>> = {
  embedding: { scope: 'first', elementCount: model },
  attn_norm: { scope: 'layer', elementCount: model },
  qkv_matmul: { scope: 'layer', elementCount: joined },
  qkv_bias: { scope: 'layer', elementCount: joined },
  v: { scope: 'layer', elementCount: keyValue },
  q_post_rope: { scope: 'layer', elementCount: query },
  k_post_rope: { scope: 'layer', elementCount: keyValue },
  attn_scores: { scope: 'layer', elementCount: scores },
  attn_softmax: { scope: 'layer', elementCount: scores },
  attention: { scope: 'layer', elementCount: query },
  attn_out: { scope: 'layer', elementCount: model },
  post_attn_residual: { scope: 'layer', elementCount: model },
  ffn_norm: { scope: 'layer', elementCount: model },
  ffn_gate: { scope: 'layer', elementCount: feedForward },
  ffn_up: { scope: 'layer', elementCount: feedForward },
  ffn_silu: { scope: 'layer', elementCount: feedForward },
  ffn_swigl: { scope: 'layer', elementCount: feedForward },
  ffn_out: { scope: 'layer', elementCount: model },
  post_ffn_residual: { scope: 'layer', elementCount: model },
  final_norm: { scope: 'model', elementCount: model },
  lm_head: { scope: 'model', elementCount: ({ vocabSize }, positions) => positions * vocabSize },
};

/** Every name that the flag accepts, those of other architectures included. */
export const STAGE_FLAG_NAMES: readonly string[] = [
  ...Object.keys(EXPECTED_STAGES),
  'q_norm',
  'k_norm',
  'attn_post_norm',
  'ffn_gelu',
  'ffn_post_norm',
  'lm_head_uncapped',
  'moe_logits',
  'moe_router',
  'moe_ffn_out',
  'moe_router_indices',
  'layer_output',
];

/** Other names of a stage; its files have the name that was asked for. */
const ALIASES: Readonly<Record<string, string>> = { layer_output: 'post_ffn_residual' };

/** Path to element count of the files that these names and layers must give. */
export function expectedFiles(
  shape: Shape,
  positions: number,
  names: readonly string[],
  layers: readonly number[],
): Map<string, number> {
  const files = new Map<string, number>();
  for (const name of names) {
    const stage = EXPECTED_STAGES[ALIASES[name] ?? name];
    if (stage === undefined || (name === 'qkv_bias' && !shape.hasBias)) continue;
    const elementCount = stage.elementCount(shape, positions);
    if (stage.scope === 'model') files.set(`${name}.bin`, elementCount);
    for (const layer of stage.scope === 'model' ? [] : layers) {
      if (stage.scope === 'layer' || layer === 0) files.set(`layer-${layer}/${name}.bin`, elementCount);
    }
  }
  return files;
}

/** The bundled model, as models/README.md describes it. */
export const BUNDLED_SHAPE: Shape = {
  layerCount: 4,
  modelDim: 256,
  ffnDim: 512,
  headCount: 8,
  kvHeadCount: 2,
  headDim: 32,
  vocabSize: 768,
  hasBias: true,
};
