// Tries to break the GGUF reader: what it says about well-formed files, and what it refuses. Files are written byte by
// byte in generators/, which shares nothing with the product. Not claimed here: what a key means for a model (that is
// hf-parity-qwen2-v1) and how stored blocks decode (quant-decode-v1).
import fc from 'fast-check';
import type { Falsifier, PartContext } from '../src/runner/run/falsifier.ts';
import { ggufFile, withField } from './kit/models/gguf-bytes.ts';
import * as checks from './gguf-reader-v1/checks.ts';
import * as empty from './gguf-reader-v1/empty-tensors.ts';
import { BREAKAGES, ggufPlan } from './gguf-reader-v1/plans.ts';
import { planOf } from './kit/models/file-plan.ts';
import * as splits from './gguf-reader-v1/splits.ts';
import { compareWithSurvey, SURVEYED_FILES } from './gguf-reader-v1/survey.ts';
import { SeededRandom } from './kit/arbitraries/random.ts';
import { orNaN } from './kit/judges/refusals.ts';
import { readSafetensors } from './kit/models/safetensors.ts';
import { plants } from './kit/claims/plants.ts';

const F16 = 'sums-2m.f16.gguf';
const Q4_K = 'sums-2m.q4_k_m.gguf';
/** Of the bundled model: four layers of twelve tensors, the embedding, the last norm. */
const TENSOR_COUNT = 50;

/** Breakages that apply to a file with many tensors of which one may be any; the real file has every other property. */
async function breakRealFile(context: PartContext): Promise<void> {
  const plan = await planOf(context.model('model:sums-2m', Q4_K));
  const file = ggufFile(plan);
  context.measure(1 - (await checks.countAccepted(file.bytes)), 'unbroken, and must be accepted');
  const random = new SeededRandom(context.seed);
  for (const breakage of BREAKAGES) {
    const broken = breakage.apply(plan, file, random.below(TENSOR_COUNT));
    context.measure(broken === null ? 0 : await checks.countAccepted(broken), breakage.name);
  }
}

async function cutRealFile(context: PartContext): Promise<void> {
  const { bytes, lengths } = await checks.cutLengths(
    context.model('model:sums-2m', Q4_K),
    context.seed,
    context.planned,
  );
  for (const length of lengths) {
    context.measure(await checks.countAccepted(bytes.subarray(0, length)), `${Q4_K} cut at byte ${length}`);
  }
}

async function damageRealFile(context: PartContext): Promise<void> {
  const { bytes, lengths } = await checks.cutLengths(
    context.model('model:sums-2m', Q4_K),
    context.seed,
    context.planned,
  );
  const random = new SeededRandom(context.seed);
  for (const at of lengths) {
    const xor = 1 + random.below(255);
    bytes[at] = (bytes[at] ?? 0) ^ xor;
    context.measure(await checks.countMisread(bytes), `${Q4_K} byte ${at} xor ${xor}`);
    bytes[at] = (bytes[at] ?? 0) ^ xor;
  }
}

/** In pieces of 32 bytes: anything below 2^53, and the neighbours of every width that an integer might be cut to. */
const offsets: fc.Arbitrary<number> = fc
  .oneof(
    fc.integer({ min: 1, max: 2 ** 48 - 2 }),
    fc.constantFrom(2 ** 26 - 1, 2 ** 26, 2 ** 26 + 1, 2 ** 27 - 1, 2 ** 27, 2 ** 47 - 1, 2 ** 47, 2 ** 48 - 8),
  )
  .map((pieces) => pieces * 32);

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-GGUF-001': {
    parts: {
      generated: {
        planned: 300,
        run: (context) =>
          context.search(ggufPlan, context.planned, (plan) => orNaN(() => checks.countDifferences(plan))),
      },
      live: {
        needs: ['model:sums-2m'],
        planned: TENSOR_COUNT,
        async run(context) {
          const trained = await readSafetensors(context.data('models/sums-2m/hf/model.safetensors'));
          await checks.compareWithTrainer(context, context.model('model:sums-2m', F16), trained);
        },
      },
      oracle: { needs: ['model:sums-2m'], planned: SURVEYED_FILES.length, run: compareWithSurvey },
    },
    faults: plants`
      src/engine/formats/gguf-tensors.ts
      gross gguf-dimensions-not-reversed: dimensions kept in the file’s order
      - shape: dimensions.toReversed(),
      + shape: dimensions,
      src/engine/formats/gguf-values.ts
      small gguf-u64-rounded: a 64-bit value past 2^53 is rounded
      - Number.isSafeInteger(number) ? number : value
      + number
    `,
  },

  'FALSIFY-GGUF-002': {
    parts: {
      generated: {
        planned: 40,
        run: (context) =>
          context.search(ggufPlan, context.planned, (plan) => {
            // One tensor and a small alignment: the last byte of the file is then the tensor's, and files stay short.
            const { metadata, tensors } = plan;
            return checks.countAcceptedPrefixes(
              ggufFile({
                metadata: metadata.filter(({ key }) => key !== 'general.alignment'),
                tensors: tensors.slice(0, 1),
              }),
            );
          }),
      },
      live: { needs: ['model:sums-2m'], planned: 300, run: cutRealFile },
    },
    faults: plants`
      src/engine/formats/gguf-tensors.ts
      gross gguf-past-end-accepted: tensors may lie past the end of the file
      - if (end > fileLength)
      + if (end > fileLength + 2 ** 40)
      small gguf-last-byte-missing: the last byte of the last tensor may be missing
      - if (end > fileLength)
      + if (end > fileLength + 1)
    `,
  },

  'FALSIFY-GGUF-003': {
    parts: {
      generated: {
        planned: 1500,
        run: (context) =>
          context.search(
            fc.record({ plan: ggufPlan, pick: fc.nat(), breakage: fc.nat(BREAKAGES.length - 1) }),
            context.planned,
            ({ plan, pick, breakage }) => {
              const file = ggufFile(plan);
              // A plan that cannot be broken in this way is broken at its magic instead, so that every case is one.
              const broken = BREAKAGES[breakage]?.apply(plan, file, pick) ?? withField(file.bytes, 0, 4, 0n);
              return checks.countAccepted(broken);
            },
          ),
      },
      live: { needs: ['model:sums-2m'], planned: BREAKAGES.length + 1, run: breakRealFile },
    },
    faults: plants`
      src/engine/formats/gguf-tensors.ts
      gross gguf-overlap-accepted: tensors may overlap
      - endOf(tensor) > next.byteOffset)
      + Number.isNaN(endOf(tensor)))
      small gguf-overlap-by-one-piece: tensors may overlap by one aligned piece
      - endOf(tensor) > next.byteOffset)
      + endOf(tensor) > next.byteOffset + alignment)
      small gguf-duplicate-tensor-accepted: a second tensor of one name is accepted
      - if (seen.has(name))
      + if (seen.has(\`\${name}?\`))
    `,
  },

  'FALSIFY-GGUF-004': {
    parts: {
      generated: {
        planned: 3000,
        run: (context) =>
          context.search(checks.damage, context.planned, (damage) => checks.countMisread(checks.damaged(damage))),
      },
      live: { needs: ['model:sums-2m'], planned: 300, run: damageRealFile },
    },
    faults: plants`
      src/engine/formats/gguf-tensors.ts
      gross gguf-alignment-ignored: tensors may start anywhere
      - if (relative % alignment !== 0)
      + if (relative % 1 !== 0)
      small gguf-alignment-halved: half the alignment is enough
      - if (relative % alignment !== 0)
      + if (relative % Math.ceil(alignment / 2) !== 0)
    `,
  },

  'FALSIFY-GGUF-005': {
    parts: {
      generated: {
        planned: 400,
        run: (context) =>
          context.search(offsets, context.planned, (offset) => orNaN(() => checks.countMisplaced(offset))),
      },
      live: { needs: ['model:sums-2m'], planned: TENSOR_COUNT, run: checks.compareSparseCopy },
    },
    faults: plants`
      src/engine/formats/gguf-tensors.ts
      gross gguf-offset-32-bit: offsets lose everything past 32 bits
      - byteOffset: Number(offset),
      + byteOffset: Number(offset & 0xffffffffn),
      small gguf-offset-top-bit: offsets lose bit 52
      - byteOffset: Number(offset),
      + byteOffset: Number(BigInt.asUintN(52, offset)),
    `,
  },

  'FALSIFY-GGUF-006': {
    parts: {
      generated: {
        planned: 400,
        run: (context) =>
          context.search(empty.planWithEmpty, context.planned, (plan) => orNaN(() => empty.countMisreadEmpty(plan))),
      },
      live: {
        needs: ['model:sums-2m'],
        planned: TENSOR_COUNT + empty.ADDED_COUNT,
        run: (context) => empty.readBesideEmpty(context, context.model('model:sums-2m', Q4_K)),
      },
      oracle: { planned: empty.RECORDED_COUNT, run: empty.compareRecordedEmpty },
    },
    faults: plants`
      src/engine/formats/gguf-tensors.ts
      gross gguf-single-number-refused: a tensor must have a dimension
      - if (dimensionCount > MAX_DIMENSIONS)
      + if (dimensionCount < 1 || dimensionCount > MAX_DIMENSIONS)
      small gguf-empty-last-refused: a tensor without elements must begin inside of the file
      - if (tensor.byteLength === 0) continue;
      + if (tensor.byteLength === 0 && tensor.byteOffset <= fileLength) continue;
      small gguf-empty-of-unknown-type: a tensor without elements has no known length where its type has none
      - byteLength: elementCount === 0 ? 0 : block
      + byteLength: block
    `,
  },

  'FALSIFY-GGUF-007': {
    parts: {
      generated: {
        planned: 400,
        run: (context) => {
          const folders = new splits.SplitFolders(context.folder);
          return context.search(splits.splitCase, context.planned, (of) => splits.countMisreadSplit(folders, of));
        },
      },
      live: {
        needs: ['model:sums-2m'],
        planned: splits.LIVE_SPLITS + splits.SPLIT_BREAKAGES.length,
        run: (context) => splits.openTrainedSplits(context, context.model('model:sums-2m', Q4_K)),
      },
      oracle: {
        needs: ['model:sums-2m', 'oracle:llama.cpp'],
        planned: splits.ORACLE_SPLITS,
        run: (context) => splits.compareLlamaCppSplits(context, context.model('model:sums-2m', Q4_K)),
      },
    },
    faults: plants`
      src/engine/model/open-model-gguf-split.ts
      gross gguf-split-read-alone: a file of a split is read as the whole model
      - if (count <= 1) return
      + if (count <= MAX_SHARD_COUNT) return
      small gguf-split-foreign-accepted: a file may say that it is of another split
      - if (found !== value && !isLeftOut)
      + if (found !== value && key === KEYS.no)
      small gguf-split-tensor-twice: a tensor may be in two files
      - if (other !== undefined) throw
      + if (other === shard) throw
    `,
  },
};
