// Faults of what tells one architecture from another: scales, offsets, caps, windows, head norms, experts. Each does
// nothing in a model that has no such part; `needs` says which has.
import type { ModelConfig } from '../../engine/program/config.ts';
import type { ModelTransform } from '../../engine/model/model.ts';
import type { Op, Program } from '../../engine/program/program.ts';
import { modelVariant, type Fault } from './fault.ts';
import { rewriteOps, type Site } from './rewrite.ts';

function configured(change: (config: ModelConfig) => Partial<ModelConfig>): ModelTransform {
  return { config: (config) => ({ ...config, ...change(config) }) };
}

function rewritten(site: Site, rewrite: (op: Op) => Op): ModelTransform {
  return { program: (program) => rewriteOps(program, site, rewrite) };
}

/** Ops whose output ends so are left out: what they would have written is what they read. */
function skipped(site: Site, ending: RegExp): ModelTransform {
  return rewritten(site, (op) => (op.op === 'rmsnorm' && ending.test(op.out) ? identityOf(op) : op));
}

function identityOf(op: Extract<Op, { op: 'rmsnorm' }>): Op {
  return { op: 'scale', in: op.in, factor: 1, out: op.out };
}

/** q and k are rotated first and normalised then. */
function normsAfterRope(program: Program, isWrong: (layer: number) => boolean): Program {
  const isAt = (id: string): boolean => isWrong(Number(/^layer-(\d+)\//.exec(id)?.[1]));
  const moved: Op[] = [];
  const ops = program.ops.flatMap((op): Op[] => {
    if (!isAt(op.out)) return [op];
    if (op.op === 'rmsnorm' && /[qk]_norm$/.test(op.out)) {
      moved.push(op);
      return [];
    }
    if (op.op === 'rope') {
      const norm = moved.find((candidate) => candidate.out === op.in);
      if (norm?.op !== 'rmsnorm') return [op];
      // The two change places: what was rotated is written where the norm was, and what is normalised goes on.
      return [
        { ...op, in: norm.in, out: norm.out },
        { ...norm, in: norm.out, out: op.out },
      ];
    }
    return [op];
  });
  return { ...program, ops };
}

function turnedAsOthers(program: Program): Program {
  const ropes = program.ops.flatMap((op) => (op.op === 'rope' ? [op.rope] : []));
  return rewriteOps(program, 'one', (op) => {
    if (op.op !== 'rope') return op;
    return { ...op, rope: ropes.find(({ theta }) => theta !== op.rope.theta) ?? op.rope };
  });
}

const isCausal = (op: Op): op is Extract<Op, { op: 'attention' }> => op.op === 'attention';

export const ARCHITECTURE_FAULTS: readonly Fault[] = [
  {
    id: 'N3',
    title: 'norm gains without the 1 that they are stored less, or with it twice',
    bugClass: 'NORM_FAILURE',
    firstStage: 'attn_norm',
    needs: 'Gemma, or any model for the doubled one',
    gross: modelVariant(
      '1 is not added to any gain, or is added where it is in already',
      rewritten('all', (op) => (op.op === 'rmsnorm' ? { ...op, gainOffset: (op.gainOffset ?? 0) === 0 ? 1 : 0 } : op)),
    ),
    small: modelVariant(
      'the offset of the gains of one layer is 1.01 or 0.01',
      rewritten('one', (op) => (op.op === 'rmsnorm' ? { ...op, gainOffset: (op.gainOffset ?? 0) + 0.01 } : op)),
    ),
  },
  {
    id: 'N6',
    title: 'the norm behind a part is dropped',
    bugClass: 'NORM_FAILURE',
    firstStage: 'attn_post_norm',
    needs: 'a model that normalises what it adds: Gemma 2 and 3',
    gross: modelVariant('no norm behind attention and feed-forward', skipped('all', /_post_norm$/)),
    small: modelVariant('no norm behind the feed-forward of one layer', skipped('one', /ffn_post_norm$/)),
  },
  {
    id: 'E1',
    title: 'embedding scale missing, or rounded to bfloat16',
    bugClass: 'EMBEDDING_FAILURE',
    firstStage: 'embedding',
    needs: 'a model that scales its embedding: Gemma',
    gross: modelVariant(
      'the embedding is not scaled',
      configured(() => ({ embeddingScale: 1 })),
    ),
    small: modelVariant(
      'the scale has the 8 bits of a bfloat16',
      configured(({ embeddingScale }) => ({ embeddingScale: rounded(embeddingScale) })),
    ),
  },
  {
    id: 'A2',
    title: 'scores scaled by hidden size over heads instead of what the config says',
    bugClass: 'ATTENTION_FAILURE',
    firstStage: 'attn_scores',
    needs: 'a head width, or a query_pre_attn_scalar, that is not hidden size over heads',
    gross: modelVariant(
      'scale from hidden size over heads',
      configured(({ modelDim, headCount }) => ({ attentionScale: 1 / Math.sqrt(modelDim / headCount) })),
    ),
    small: modelVariant(
      'scale half a percent high in one layer',
      rewritten('one', (op) => (isCausal(op) ? { ...op, scale: op.scale * 1.005 } : op)),
    ),
  },
  {
    id: 'A7',
    title: 'the window is in the wrong layers',
    bugClass: 'ATTENTION_FAILURE',
    firstStage: 'attn_scores',
    needs: 'layers with and without a window, and a prompt longer than it',
    gross: modelVariant(
      'the layers with a window and those without are exchanged',
      configured(({ layerCount, fullAttentionLayers }) => ({
        fullAttentionLayers: Array.from({ length: layerCount }, (_, layer) => layer).filter(
          (layer) => !fullAttentionLayers.includes(layer),
        ),
      })),
    ),
    small: modelVariant(
      'one layer too many has the window',
      configured(({ fullAttentionLayers }) => ({ fullAttentionLayers: fullAttentionLayers.slice(1) })),
    ),
  },
  {
    id: 'A8',
    title: 'softcap of the scores dropped or wrong',
    bugClass: 'ATTENTION_FAILURE',
    firstStage: 'attn_scores',
    needs: 'Gemma 2, and scores that are not small beside the cap',
    gross: modelVariant(
      'scores are not capped',
      configured(() => ({ attentionSoftcap: null })),
    ),
    small: modelVariant(
      'the cap is one percent high in one layer',
      rewritten('one', (op) => (isCausal(op) && op.softcap !== undefined ? { ...op, softcap: op.softcap * 1.01 } : op)),
    ),
  },
  {
    id: 'A9',
    title: 'q and k are not normalised',
    bugClass: 'QKV_FAILURE',
    firstStage: 'q_norm',
    needs: 'Qwen3, Gemma 3',
    gross: modelVariant('no head norm in any layer', skipped('all', /[qk]_norm$/)),
    small: modelVariant('k is not normalised in one layer', skipped('one', /k_norm$/)),
  },
  {
    id: 'A10',
    title: 'q and k are normalised after they are rotated',
    bugClass: 'QKV_FAILURE',
    firstStage: 'q_norm',
    needs: 'Qwen3 or Gemma 3, gains that are not all alike, a position after 0',
    gross: modelVariant('in every layer', { program: (program) => normsAfterRope(program, () => true) }),
    small: modelVariant('in one layer', { program: (program) => normsAfterRope(program, (layer) => layer === 1) }),
  },
  {
    id: 'R3',
    title: 'rope scaling ignored',
    bugClass: 'ROPE_FAILURE',
    firstStage: 'q_post_rope',
    needs: 'a model with rope scaling, a position after 0',
    gross: modelVariant(
      'frequencies are not scaled',
      configured(({ rope }) => ({ rope: { ...rope, scaling: { type: 'none' } } })),
    ),
    small: modelVariant(
      'frequencies are not scaled in one layer',
      rewritten('one', (op) => (op.op === 'rope' ? { ...op, rope: { ...op.rope, scaling: { type: 'none' } } } : op)),
    ),
  },
  {
    id: 'R10',
    title: 'layers that turn differently are turned alike',
    bugClass: 'ROPE_FAILURE',
    firstStage: 'q_post_rope',
    needs: 'a model with two thetas: Gemma 3; a position after 0',
    gross: modelVariant(
      'every layer turns as those with a window do',
      configured(({ rope, localTheta }) => ({
        rope: localTheta === null ? rope : { ...rope, theta: localTheta, scaling: { type: 'none' } },
      })),
    ),
    small: modelVariant('one layer turns as the others do', { program: (program) => turnedAsOthers(program) }),
  },
  {
    id: 'M2-gelu',
    title: 'SiLU for GELU',
    bugClass: 'FFN_FAILURE',
    firstStage: 'ffn_gelu',
    needs: 'a model with GELU: Gemma',
    gross: modelVariant(
      'in every layer',
      rewritten('all', (op) => (op.op === 'gelu' ? { ...op, op: 'silu' } : op)),
    ),
    small: modelVariant(
      'in one layer',
      rewritten('one', (op) => (op.op === 'gelu' ? { ...op, op: 'silu' } : op)),
    ),
  },
  {
    id: 'M3',
    title: 'shares of the chosen experts renormalised where they must not be, or the reverse',
    bugClass: 'MOE_ROUTING_FAILURE',
    firstStage: 'moe_router',
    needs: 'a model with experts',
    gross: modelVariant(
      'in every layer',
      rewritten('all', (op) => (op.op === 'moeRoute' ? { ...op, isRenormalised: !op.isRenormalised } : op)),
    ),
    small: modelVariant(
      'in one layer',
      rewritten('one', (op) => (op.op === 'moeRoute' ? { ...op, isRenormalised: !op.isRenormalised } : op)),
    ),
  },
  {
    id: 'M5',
    title: 'an expert answers with the matrix of another',
    bugClass: 'MOE_ROUTING_FAILURE',
    firstStage: 'moe_ffn_out',
    needs: 'a model with experts that differ',
    gross: modelVariant(
      'gate and up are exchanged in every layer',
      rewritten('all', (op) => exchanged(op)),
    ),
    small: modelVariant(
      'gate and up are exchanged in one layer',
      rewritten('one', (op) => exchanged(op)),
    ),
  },
  {
    id: 'H2',
    title: 'softcap of the logits missing or wrong',
    bugClass: 'LM_HEAD_FAILURE',
    firstStage: 'lm_head',
    needs: 'Gemma 2',
    gross: modelVariant('logits are not capped', {
      program: (program) => ({
        ...program,
        ops: program.ops.map((op): Op =>
          op.op === 'softcap' && op.out === program.logits ? { op: 'scale', in: op.in, factor: 1, out: op.out } : op,
        ),
      }),
    }),
    small: modelVariant('the cap of the logits is one percent high', {
      program: (program) => ({
        ...program,
        ops: program.ops.map((op): Op => (op.op === 'softcap' ? { ...op, cap: op.cap * 1.01 } : op)),
      }),
    }),
  },
];

function exchanged(op: Op): Op {
  if (op.op !== 'expertMatmul') return op;
  const [gate, up] = ['ffn_gate_exps', 'ffn_up_exps'];
  const weight = op.weight.includes(gate) ? op.weight.replace(gate, up) : op.weight.replace(up, gate);
  return { ...op, weight };
}

/** To 8 significant bits. */
function rounded(value: number): number {
  const unit = 2 ** (Math.floor(Math.log2(value)) - 7);
  return Math.round(value / unit) * unit;
}
