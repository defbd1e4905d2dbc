// Tries to make the judge of somebody else's engine accuse a healthy one for its formats or for the ops that it fuses, or
// explain a fault away. The subjects of the first two claims are made up (kit/models/subject.ts); those of the last two
// are the engine with values hidden. Faults sit in the judge.
import fc from 'fast-check';
import { checkDump } from '../src/diagnosis/check/check-dump.ts';
import { checkModel, type CheckReport } from '../src/diagnosis/check/check-model.ts';
import { undeclaredFormats } from '../src/diagnosis/check/formats.ts';
import { Judge } from '../src/diagnosis/check/judge.ts';
import { plantFrom } from '../src/diagnosis/faults/fault.ts';
import { NORM_FAULTS } from '../src/diagnosis/faults/norm.ts';
import { ROPE_FAULTS } from '../src/diagnosis/faults/rope.ts';
import { WEIGHT_FAULTS } from '../src/diagnosis/faults/weights.ts';
import { openRecording } from '../src/diagnosis/recordings/open-recording.ts';
import type { Model, ModelTransform } from '../src/engine/model/model.ts';
import type { Falsifier, Part, PartContext } from '../src/runner/run/falsifier.ts';
import { SeededRandom } from './kit/arbitraries/random.ts';
import { withEngines, type Engines } from './kit/claims/engine-runs.ts';
import { hiding } from './kit/claims/hiding.ts';
import { plants } from './kit/claims/plants.ts';
import { subjectValues, type Subject, type SubjectRounding } from './kit/models/subject.ts';
import { TINY_VARIANT_COUNT, TINY_VOCAB_SIZE } from './kit/models/tiny-model.ts';

const LIVE_FILES = ['sums-2m.f16.gguf', 'sums-2m.q4_k_m.gguf'];
const LIVE_TOKENS = [16, 17, 10, 18, 19, 28, 19, 21, 13];

/** Rows of generated models are too short for blocks of 256. */
const TINY_ACTIVATIONS: readonly SubjectRounding[] = ['f32', 'f16', 'bf16', 'q8_0'];
const CACHES: readonly SubjectRounding[] = ['f32', 'f16', 'bf16'];
/** Of the bundled files: what engines multiply their weights with. */
const LIVE_ACTIVATIONS: readonly SubjectRounding[] = ['f32', 'f16', 'q8_0', 'q8_k'];

interface Formats {
  activations: SubjectRounding;
  cache: SubjectRounding;
}

const tinyInputs = fc.record({
  variant: fc.nat(TINY_VARIANT_COUNT - 1),
  modelSeed: fc.nat(1),
  tokens: fc.array(fc.nat(TINY_VOCAB_SIZE - 1), { minLength: 6, maxLength: 12 }),
  activations: fc.constantFrom(...TINY_ACTIVATIONS),
  cache: fc.constantFrom(...CACHES),
  pick: fc.nat(),
});

interface Judged {
  report: Pick<Judge, 'finish' | 'formats'>;
  blamed: string[];
}

async function judgeSubject(
  model: Model,
  tokens: readonly number[],
  formats: Formats,
  spoil?: Subject['spoil'],
): Promise<Judged> {
  const { program, weights } = model;
  const values = await subjectValues({
    program,
    weights,
    tokens,
    activations: () => formats.activations,
    cache: () => formats.cache,
    ...(spoil === undefined ? {} : { spoil }),
  });
  const judge = new Judge({
    program,
    weights,
    tokens,
    formats: undeclaredFormats(),
    hasFreeRun: false,
    original: null,
  });
  for (const { out } of program.ops) await judge.judge(out, values.get(out) ?? new Float32Array(0), 0);
  const blamed = judge.finish().flatMap(({ status, value }) => (status === 'healthy' ? [] : [value]));
  return { report: judge, blamed };
}

/** Ops that are blamed, and formats that are not those of the subject. */
async function wrongAnswers(model: Model, tokens: readonly number[], formats: Formats): Promise<number> {
  const { report, blamed } = await judgeSubject(model, tokens, formats);
  const said = report.formats();
  const isRight = ({ part, text, others }: (typeof said)[number]): boolean =>
    others.length === 0 &&
    text === (part === 'activations' ? `activations ${formats.activations}` : `KV cache ${formats.cache}`);
  const parts = new Set(said.map(({ part }) => part));
  return blamed.length + said.filter((one) => !isRight(one)).length + (parts.size === 2 ? 0 : 1);
}

/** Whether the op that is spoilt is the one that is blamed. */
async function misjudged(model: Model, tokens: readonly number[], formats: Formats, pick: number): Promise<number> {
  const { ops } = model.program;
  // Choices of experts and copies have no channel that is off by a little.
  const spoilt = ops[pick % ops.length];
  const { blamed } = await judgeSubject(model, tokens, formats, (op, y) => {
    if (op !== spoilt) return;
    for (let i = 0; i < y.length; i += 4) y[i] = (y[i] ?? 0) * 1.0001;
  });
  return blamed.length === 1 && blamed[0] === spoilt?.out ? 0 : 1;
}

function onSubjects(
  measure: (model: Model, tokens: readonly number[], formats: Formats, pick: number) => Promise<number>,
): { generated: Part; live: Part } {
  const combinations = LIVE_FILES.flatMap((file) =>
    LIVE_ACTIVATIONS.flatMap((activations) => (['f32', 'f16'] as const).map((cache) => ({ file, activations, cache }))),
  );
  return {
    generated: {
      planned: 60,
      run: (context) =>
        withEngines(context, (engines) =>
          context.search(tinyInputs, context.planned, async ({ variant, modelSeed, tokens, pick, ...formats }) =>
            measure(await engines.tiny(variant, modelSeed), tokens, formats, pick),
          ),
        ),
    },
    live: {
      needs: ['model:sums-2m'],
      planned: combinations.length,
      run: (context) =>
        withEngines(context, async (engines) => {
          for (const [i, { file, ...formats }] of combinations.entries()) {
            const where = `${file}, activations ${formats.activations}, cache ${formats.cache}`;
            context.measure(await measure(await engines.bundled(file), LIVE_TOKENS, formats, 7 * i), where);
          }
        }),
    },
  };
}

/** What engines do not show, because they compute it in one piece with what follows. */
const FUSIONS: readonly RegExp[] = [
  /\/[qkv]_matmul$/,
  /\/[qk]_bias$/,
  /\/ffn_silu$/,
  /\/(ffn_gate|ffn_silu)$/,
  /\/post_(attn|ffn)_residual$/,
  /\/(attn|ffn)_out$/,
  /\/[qk]_post_rope$/,
  /\/([qkv]_(matmul|bias)|[qk]_post_rope|v)$/,
  /_norm$/,
];

async function checkHiding(
  context: PartContext,
  { program, weights }: Model,
  tokens: readonly number[],
  hidden: ReadonlySet<string>,
  transform: ModelTransform = {},
): Promise<CheckReport> {
  const executor = await context.openExecutor({
    program: transform.program?.(program) ?? program,
    weights: transform.weights?.(weights) ?? weights,
  });
  const subject = hiding(executor, hidden);
  const none = { original: null, verifyOn: null, packs: [], hasFreeRun: false };
  try {
    return await checkModel({ executor: subject, program, weights, tokens, ...none });
  } finally {
    await executor.close();
  }
}

function blamedIn({ results, verdict }: CheckReport): number {
  const blamed = results.filter(({ status, rhoProven }) => status !== 'healthy' || !(rhoProven <= 1)).length;
  return results.length === 0 || (blamed === 0 && verdict === 'BUG') ? 1 : blamed;
}

function hiddenBy({ program }: Model, fusion: RegExp): Set<string> {
  return new Set(program.values.map(({ id }) => id).filter((id) => fusion.test(id)));
}

/** Transformers in float32, somebody else's engine: every third of its stages is taken away. */
async function runThinned(context: PartContext): Promise<void> {
  await withEngines(context, async (engines) => {
    const { program, weights } = await engines.bundled('sums-2m.f16.gguf');
    for (const [i, pack] of PACKS.entries()) {
      const manifest = context.data(`models/sums-2m/packs/float32/${pack}/manifest.json`);
      const dump = await openRecording(manifest.replace(/\/manifest\.json$/, ''));
      const kept = [...dump.tensors].filter(([id], at) => (at + i) % 3 !== 0 || id === 'lm_head');
      const thinned = { ...dump, tensors: new Map(kept) };
      const none = { original: null, verifyOn: null, packs: [], hasFreeRun: false };
      const report = await checkDump({ dump: thinned, program, weights, tokens: dump.tokens ?? [], ...none });
      context.measure(blamedIn(report), pack);
    }
  });
  context.oracle({ name: 'transformers', version: '5.23.0' });
}

const PACKS = ['chat-addition', 'raw-sum', 'spell-backwards', 'two-turns', 'unicode'];

/** Faults with the value that their op writes, and values that are hidden behind the next op. */
const SITES: readonly { id: string; size: 'gross' | 'small'; value: string; fusion: RegExp }[] = [
  { id: 'R1', size: 'small', value: 'layer-1/q_post_rope', fusion: /\/[qk]_bias$/ },
  { id: 'R1', size: 'gross', value: 'layer-0/q_post_rope', fusion: /\/[qkv]_(matmul|bias)$/ },
  { id: 'R1', size: 'small', value: 'layer-1/q_post_rope', fusion: /\/[qk]_matmul$/ },
  { id: 'N1', size: 'gross', value: 'layer-0/attn_norm', fusion: /\/attn_norm$/ },
  { id: 'W3', size: 'small', value: 'layer-1/k_matmul', fusion: /\/[qkv]_matmul$/ },
];

async function misplaced(
  context: PartContext,
  model: Model,
  tokens: readonly number[],
  { id, size, value, fusion }: (typeof SITES)[number],
): Promise<number> {
  const { inject } = plantFrom([...NORM_FAULTS, ...ROPE_FAULTS, ...WEIGHT_FAULTS], id, size);
  if (inject.kind !== 'model') throw new Error(`${id} is no fault of a model`);
  const report = await checkHiding(context, model, tokens, hiddenBy(model, fusion), inject.transform);
  const found = report.results.find((result) => result.value === report.at?.value);
  const accused = found?.stretch?.covers ?? [report.at?.value];
  return report.verdict === 'BUG' && accused.includes(value) ? 0 : 1;
}

const liveTokens = (context: PartContext): number[] => {
  const random = new SeededRandom(context.seed);
  return Array.from({ length: 12 }, () => random.below(768));
};

async function onLiveFiles(
  context: PartContext,
  run: (engines: Engines, file: string) => Promise<void>,
): Promise<void> {
  await withEngines(context, async (engines) => {
    for (const file of LIVE_FILES) await run(engines, file);
  });
}

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-SUBJ-001': {
    parts: onSubjects(wrongAnswers),
    faults: plants`
      src/diagnosis/reference/attention-inputs.ts
      gross cache-as-written: keys and values are taken as they were before the cache
      - if (type === null) return { values: x, slack: off };
      + if (type === null || type === 'f16' || type === 'bf16') return { values: x, slack: off };
      src/diagnosis/check/formats.ts
      small one-block-too-many: rows of several blocks of 32 have no 8-bit format
      - return columnCount % BLOCKS[format] === 0;
      + return columnCount % (2 * BLOCKS[format]) === 0;
    `,
  },
  'FALSIFY-SUBJ-002': {
    parts: onSubjects((model, tokens, formats, pick) => misjudged(model, tokens, formats, pick)),
    faults: plants`
      src/diagnosis/check/judge.ts
      gross anything-explains: the first format explains whatever the op wrote
      - if (status === 'healthy') {
      + if (status !== null) {
      src/diagnosis/check/op-tally.ts
      small every-fourth: every fourth element is not looked at
      - for (let i = 0; i < engine.length; i += 1) {
      + for (let i = 1; i < engine.length; i += i % 4 === 3 ? 2 : 1) {
    `,
  },
  'FALSIFY-SUBJ-003': {
    parts: {
      generated: {
        planned: 60,
        run: (context) =>
          withEngines(context, (engines) =>
            context.search(tinyInputs, context.planned, async ({ variant, modelSeed, tokens, pick }) => {
              const model = await engines.tiny(variant, modelSeed);
              const random = new SeededRandom(pick);
              const { values, logits } = model.program;
              const hidden = values.filter(({ id }) => id !== logits && random.below(3) === 0);
              return blamedIn(await checkHiding(context, model, tokens, new Set(hidden.map(({ id }) => id))));
            }),
          ),
      },
      live: {
        needs: ['model:sums-2m'],
        planned: LIVE_FILES.length * FUSIONS.length,
        run: (context) =>
          onLiveFiles(context, async (engines, file) => {
            const model = await engines.bundled(file);
            for (const fusion of FUSIONS) {
              const report = await checkHiding(context, model, liveTokens(context), hiddenBy(model, fusion));
              context.measure(blamedIn(report), `${file} without ${fusion.source}`);
            }
          }),
      },
      oracle: { needs: ['model:sums-2m'], planned: PACKS.length, run: runThinned },
    },
    faults: plants`
      src/diagnosis/reference/op-reference.ts
      gross nothing-carried: what inputs are off does not reach the result
      - budgeted + (moved?.[i] ?? Number.NaN)
      + budgeted + 0 * (moved?.[i] ?? Number.NaN)
      src/diagnosis/ops/mul.ts
      small one-factor-alone: a product is moved by its second factor only
      - (Math.abs(b?.[i] ?? 0) + offB(i)) * offA(i)
      + 0 * offA(i)
    `,
  },
  'FALSIFY-SUBJ-004': {
    parts: {
      generated: {
        planned: 40,
        run: (context) =>
          withEngines(context, (engines) =>
            context.search(tinyInputs, context.planned, async ({ variant, modelSeed, tokens, pick }) => {
              const site = SITES[pick % SITES.length];
              return site === undefined ? 1 : misplaced(context, await engines.tiny(variant, modelSeed), tokens, site);
            }),
          ),
      },
      live: {
        needs: ['model:sums-2m'],
        planned: LIVE_FILES.length * SITES.length,
        run: (context) =>
          onLiveFiles(context, async (engines, file) => {
            for (const site of SITES) {
              const wrong = await misplaced(context, await engines.bundled(file), liveTokens(context), site);
              context.measure(wrong, `${file}, ${site.id} ${site.size} behind ${site.fusion.source}`);
            }
          }),
      },
    },
    faults: plants`
      src/diagnosis/check/verdict.ts
      gross only-single-ops: a stretch is never accused
      - status === 'faulty' || confirmed.has(value)
      + (status === 'faulty' && !results.some((r) => r.value === value && r.stretch !== null)) || confirmed.has(value)
      src/diagnosis/check/stretch.ts
      small bound-of-bounds: the bound of a stretch is a hundred thousand times too wide
      - const width = relativeSize(bounded.expected, should.reference) / widest;
      + bounded.proven.forEach((b, i) => (bounded.proven[i] = b * 1e5)); const width = relativeSize(bounded.expected, should.reference) / widest;
    `,
  },
};
