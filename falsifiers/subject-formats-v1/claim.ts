// One falsifier for every format of activations: what is emulated is a set of rows, and what an engine of the format stores
// must be in it. The engine is ggml: its recorded bytes, each kind of its builds written plainly, and its builds themselves.
// The set must be narrow too: nearly all elements have one value. The format is handed in, so that a claim depends on its
// own format alone.
import { readFile } from 'node:fs/promises';
import type { RoundedActivations } from '../../src/diagnosis/reference/activations/rounded-activations.ts';
import type { Falsifier, PartContext, PlantedFault } from '../../src/runner/run/falsifier.ts';
import { LAYERS, LIVE_RUNS, trainedRuns } from '../kit/models/trained-stages.ts';
import { ggmlBuilds, type Quantizer } from '../kit/oracles/ggml-quantizers.ts';
import type { Build, StoredRow } from '../kit/references/plain-roundings.ts';
import { rowsOf, type RowShape } from './rows.ts';

export interface FormatOnTrial {
  name: string;
  emulate: (x: Float64Array) => RoundedActivations;
  builds: readonly Build[];
  quantizers: readonly Quantizer[];
  rows: RowShape;
}

/** What `scripts/activation-vectors.ts` writes: rows of whole blocks, and what builds of ggml made of them. */
export interface RecordedFormat {
  producer: { name: string; version: string };
  /** A build for each kind that there is, and its function. */
  records: { variant: string; quantizer: string; file: string }[];
}

export const VECTOR_FOLDER = 'falsifiers/vectors/activation-formats';
const SEARCHED_ROWS = 400;
const ORACLE_ROWS = 200;

/** What the products of the bundled model read. */
const STAGES = ['attn_norm', 'attention', 'ffn_norm', 'ffn_swigl'];

/** Of trained elements, those that may be either of two. Of SmolLM2's, 2^-15 are in q8_0, and none in q8_K. */
const LARGEST_SHARE = 2 ** -13;

/** @param faults gross and small */
export function formatClaim(format: FormatOnTrial, faults: readonly PlantedFault[]): Falsifier {
  const { emulate, builds, quantizers, rows, name } = format;
  const outsideOfBuilds = (x: Float32Array): number => {
    const set = emulate(Float64Array.from(x));
    return builds.reduce((count, build) => count + countOutside(set, build(x)), 0);
  };
  return {
    parts: {
      generated: {
        planned: quantizers.length + SEARCHED_ROWS,
        async run(context) {
          await measureRecorded(context, format);
          const searched = context.planned - quantizers.length;
          await context.search(rowsOf(rows), searched, outsideOfBuilds);
        },
      },
      live: {
        needs: ['model:sums-2m'],
        planned: LIVE_RUNS * LAYERS * STAGES.length + 1,
        async run(context) {
          let [open, elements] = [0, 0];
          for (const { where, layers, stage } of await trainedRuns(context)) {
            for (const layer of layers) {
              for (const read of STAGES) {
                const x = stage(layer, read);
                context.measure(outsideOfBuilds(x), `${where}, layer ${layer}, ${read}`);
                const { values, tieSteps } = emulate(Float64Array.from(x));
                open += (tieSteps ?? []).filter((step) => step !== 0).length;
                elements += x.length;
                context.output(new Uint8Array(values.buffer));
              }
            }
          }
          const beyond = Math.max(0, open - LARGEST_SHARE * elements);
          context.measure(beyond, `${open} of ${elements} trained elements may be either of two`);
        },
      },
      oracle: {
        needs: ['oracle:llama.cpp'],
        planned: ORACLE_ROWS,
        async run(context) {
          const { version, builds: theirs } = ggmlBuilds();
          context.oracle({ name: 'ggml', version });
          context.output(name);
          await context.search(rowsOf(rows), context.planned, (x) => {
            const set = emulate(Float64Array.from(x));
            const stored = theirs.flatMap((build) => quantizers.map((one) => one.read(build.quantize(one, x))));
            return stored.reduce((count, row) => count + countOutside(set, row), 0);
          });
        },
      },
    },
    faults,
  };
}

async function measureRecorded(context: PartContext, { name, emulate, quantizers }: FormatOnTrial): Promise<void> {
  const read = async (file: string): Promise<Uint8Array> =>
    new Uint8Array(await readFile(context.data(`${VECTOR_FOLDER}/${file}`)));
  const { producer, records } = JSON.parse(new TextDecoder().decode(await read(`${name}.json`))) as RecordedFormat;
  context.oracle(producer);
  const set = emulate(Float64Array.from(new Float32Array((await read(`${name}.rows.bin`)).buffer)));
  for (const quantizer of quantizers) {
    const own = records.filter((record) => record.quantizer === quantizer.name);
    if (own.length === 0) throw new Error(`${name}.json: nothing of ${quantizer.name} is recorded`);
    const rows = await Promise.all(own.map(async ({ file }) => quantizer.read(await read(file))));
    context.measure(
      rows.reduce((count, row) => count + countOutside(set, row), 0),
      `recorded of ${own.map(({ variant }) => variant).join(', ')}: ${quantizer.name}`,
    );
  }
}

/** Elements and sums of blocks that are not among those that the set has; of what is not finite, the kind must be. */
function countOutside({ values, tieSteps, sums }: RoundedActivations, stored: StoredRow): number {
  if (stored.values.length !== values.length) return Number.NaN;
  let count = 0;
  for (const [i, theirs] of stored.values.entries()) {
    const [middle, step] = [values[i] ?? 0, tieSteps?.[i] ?? 0];
    const isSame = step > 0 ? !Number.isFinite(theirs) : Object.is(theirs, middle);
    if (Number.isFinite(middle) ? Math.abs(theirs - middle) !== step : !isSame) count += 1;
  }
  if ((sums === null) !== (stored.sums === null)) return Number.NaN;
  const size = sums?.blockElements ?? 1;
  for (const [block, sum] of (stored.sums ?? []).entries()) {
    const total = stored.values.subarray(block * size, (block + 1) * size).reduce((part, value) => part + value, 0);
    const [middle, slack] = [sums?.errors[block] ?? Number.NaN, sums?.slacks[block] ?? Number.NaN];
    const off = sum - total;
    const isIn = Number.isFinite(middle) ? Math.abs(off - middle) <= slack : slack > 0 || off === middle;
    // An infinite step has no sum.
    if (Number.isFinite(total) && !isIn) count += 1;
  }
  return count;
}
