// Tries to find an expert that answers with another's rows or on another's input, and a router that is coarser than float32,
// in the production executor. Searched layers in every stored type, and router logits that Transformers recorded of
// untrained models. Not claimed: which experts are chosen and with which shares (moe-routing-v1.ts); what the blocks decode
// to (quant-decode-v1).
import { expertMatmulJudgement } from '../../src/diagnosis/ops/expert-matmul.ts';
import { matmulJudgement } from '../../src/diagnosis/ops/matmul.ts';
import type { Falsifier } from '../../src/runner/run/falsifier.ts';
import { budgetRatio, CPU_ARITHMETIC } from '../kit/judges/budget-ratio.ts';
import { expertRecipes, judgedOps, layerRatio, makeLayer } from './expert-layer.ts';
import { known } from '../kit/claims/known-faults.ts';
import { plants } from '../kit/claims/plants.ts';
import { RECORDED_ROUTINGS, recordedRoutings } from '../kit/models/recorded-routings.ts';
import { slowHfModel } from '../kit/models/hf-model.ts';
import { tinyFile } from '../kit/models/tiny-files.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-MOER-004': {
    parts: {
      generated: {
        planned: 120,
        run: (context) =>
          context.search(expertRecipes, context.planned, (recipe) =>
            layerRatio(context, makeLayer(recipe), 'expertMatmul'),
          ),
      },
    },
    faults: [
      ...known(expertMatmulJudgement.faults, 'M5-slice M5-slice-small'),
      ...plants`
        src/engine/cpu/bind-op.ts
        gross experts-of-the-first: every position goes through the experts of the first
        - weights + (ids[i] ?? 0) * sliceBytes
        + weights + (ids[i % usedCount] ?? 0) * sliceBytes
        small input-of-the-first-slot: inside of the experts every slot reads the first one’s input
        - Math.floor(slot / usedCount) : slot)
        + Math.floor(slot / usedCount) : slot - (slot % usedCount))
      `,
      ...known(matmulJudgement.faults, 'P1-small'),
    ],
  },
  'FALSIFY-MOER-006': {
    parts: {
      generated: {
        planned: 120,
        run: (context) =>
          context.search(expertRecipes, context.planned, (recipe) => layerRatio(context, makeLayer(recipe), 'matmul')),
      },
      oracle: {
        planned: RECORDED_ROUTINGS,
        async run(context) {
          for (const recorded of await recordedRoutings(context)) {
            const slow = await slowHfModel((file) => tinyFile(context, recorded.model, `hf/${file}`));
            const router = Float32Array.from(slow.weight(`blk.${recorded.layer}.ffn_gate_inp.weight`) ?? []);
            const { usedCount, expertCount } = recorded.routing;
            const layer = {
              expertType: 'f32' as const,
              expertCount,
              usedCount,
              modelDim: router.length / expertCount,
              ffnDim: 1,
              seed: context.seed,
              chunkPositions: 64,
              x: Float32Array.from(recorded.input),
            };
            const [judged] = await judgedOps(context, layer, 'matmul', router);
            // What was recorded is rounded to float32 on its way in: one more unit of every product.
            const proven = judged?.proven.map((one, i) => one + CPU_ARITHMETIC.unit * (judged.magnitude?.[i] ?? NaN));
            const should = { reference: recorded.logits, proven: proven ?? [] };
            context.measure(budgetRatio(judged?.values ?? new Float32Array(0), should), recorded.where);
          }
        },
      },
    },
    faults: [
      ...plants`
        src/engine/cpu/bank.ts
        gross router-in-bfloat16: float32 matrices are kept in the upper 16 bits of each weight
        - await source.read(info.name, offset, this.memory.bytes(pointer + offset, length));
        + await source.read(info.name, offset, this.memory.bytes(pointer + offset, length));
        +       if (info.type === 'f32') this.memory.bytes(pointer + offset, length).forEach((_, i, all) => i % 4 < 2 && (all[i] = 0));
        small one-weight-in-bfloat16: the last weight of a float32 matrix is kept in its upper 16 bits
        - await source.read(info.name, offset, this.memory.bytes(pointer + offset, length));
        + await source.read(info.name, offset, this.memory.bytes(pointer + offset, length));
        +       if (info.type === 'f32') this.memory.bytes(pointer + offset + length - 4, 2).fill(0);
      `,
      ...known(matmulJudgement.faults, 'P1-small P1-in-oracle'),
    ],
  },
};
