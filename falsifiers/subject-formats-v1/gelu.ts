// Tries to break what is emulated of GELU by ggml's table of float16: the tables of its builds, recorded and as they are
// here, and the entry computed plainly in float32, must be among the halves that are thought possible.
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { geluByTable, type TabledValues } from '../../src/diagnosis/ops/gelu-table.ts';
import type { Falsifier, PartContext } from '../../src/runner/run/falsifier.ts';
import { makeValues, NON_FINITE, SMALL_SPECIALS, valuesRecipe } from '../kit/arbitraries/kernel-values.ts';
import { plants } from '../kit/claims/plants.ts';
import { LAYERS, LIVE_RUNS, trainedRuns } from '../kit/models/trained-stages.ts';
import { ggmlBuilds } from '../kit/oracles/ggml-quantizers.ts';
import { VECTOR_FOLDER, type RecordedFormat } from './claim.ts';

export const GELU_TABLE = 'ggml_table_gelu_f16';

const SEARCHED_ROWS = 400;
/** A table is judged in so many parts. */
const TABLE_PARTS = 16;

/** About the places where the table begins and ends, and where 1 + tanh cancels. */
const EDGES = [-10, 10, -9.997, 9.997, -9.996, 9.996, -4.5, -5.2, -8, 0.5];

const rows: fc.Arbitrary<Float32Array> = fc
  .record({
    count: fc.integer({ min: 1, max: 64 }),
    values: valuesRecipe([0, -4, 1, -22, -40, 18], [...SMALL_SPECIALS, ...NON_FINITE, ...EDGES]),
  })
  .map(({ count, values }) => makeValues(values, count));

const { fround, f16round } = Math;

/** As its C source has it, every step rounded to float32; tanh correctly. */
function entry(x: number): number {
  const inner = fround(1 + fround(fround(fround(0.044715) * x) * x));
  const u = fround(fround(fround(0.7978845608028654) * x) * inner);
  return f16round(fround(fround(0.5 * x) * fround(1 + fround(Math.tanh(u)))));
}

/** Of float32 values, by a table. */
function lookUp(x: Float32Array, entryOf: (half: number, i: number) => number): Float64Array {
  return Float64Array.from(x, (value, i) => {
    if (value <= -10) return 0;
    return value >= 10 ? value : entryOf(f16round(value), i);
  });
}

function countOutside({ values, slacks }: TabledValues, theirs: Float64Array): number {
  return theirs.filter((value, i) => {
    const middle = values[i] ?? 0;
    if (!Number.isFinite(middle) || !Number.isFinite(value)) return !Object.is(value, middle);
    return !(Math.abs(value - middle) <= (slacks[i] ?? 0));
  }).length;
}

const HALVES = new Float16Array(Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits).buffer);

/** Entries of one part of a table. */
function entriesOutside(table: Float16Array, part: number): number {
  const size = HALVES.length / TABLE_PARTS;
  const x = Float32Array.from(HALVES.subarray(part * size, (part + 1) * size));
  return countOutside(
    geluByTable(x),
    lookUp(x, (_, i) => table[part * size + i] ?? Number.NaN),
  );
}

const PARTS = Array.from({ length: TABLE_PARTS }, (_, part) => part);

async function measureRecorded(context: PartContext): Promise<void> {
  const text = await readFile(context.data(`${VECTOR_FOLDER}/gelu.json`), 'utf8');
  const { producer, records } = JSON.parse(text) as RecordedFormat;
  context.oracle(producer);
  for (const { variant, file } of records) {
    const bytes = new Uint8Array(await readFile(context.data(`${VECTOR_FOLDER}/${file}`)));
    const table = new Float16Array(bytes.buffer);
    for (const part of PARTS) context.measure(entriesOutside(table, part), `part ${part}, recorded of ${variant}`);
  }
}

/** Tables that differ, of the builds that there are. */
const RECORDED_TABLES = 2;

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-SFMT-006': {
    parts: {
      generated: {
        planned: RECORDED_TABLES * TABLE_PARTS + SEARCHED_ROWS,
        async run(context) {
          await measureRecorded(context);
          await context.search(rows, context.planned - RECORDED_TABLES * TABLE_PARTS, (x) =>
            countOutside(geluByTable(x), lookUp(x, entry)),
          );
        },
      },
      live: {
        needs: ['model:sums-2m'],
        planned: LIVE_RUNS * LAYERS + 1,
        async run(context) {
          let [open, elements] = [0, 0];
          for (const { where, layers, stage } of await trainedRuns(context)) {
            for (const layer of layers) {
              const gate = stage(layer, 'ffn_gate');
              const tabled = geluByTable(gate);
              context.measure(countOutside(tabled, lookUp(gate, entry)), `${where}, layer ${layer}`);
              open += tabled.slacks.filter((slack) => slack !== 0).length;
              elements += gate.length;
            }
          }
          const beyond = Math.max(0, open - 2 ** -4 * elements);
          context.measure(beyond, `${open} of ${elements} trained gates have more than one entry`);
        },
      },
      oracle: {
        needs: ['oracle:llama.cpp'],
        planned: TABLE_PARTS,
        async run(context) {
          const { version, builds } = ggmlBuilds();
          context.oracle({ name: 'ggml', version });
          const tables = builds.map((build) => build.table(GELU_TABLE));
          for (const part of PARTS) {
            const count = tables.reduce((sum, table) => sum + entriesOutside(table, part), 0);
            context.measure(count, `part ${part} of ${tables.length} tables`);
          }
        },
      },
    },
    faults: plants`
      src/diagnosis/ops/gelu-table.ts
      gross gelu-not-by-table: GELU is computed, and no table is there
      - return [Math.f16round(exact - reach), Math.f16round(exact + reach)];
      + return [exact, exact];
      small gelu-limits-ignored: beyond ±10 an entry is looked up
      - if (x >= LIMIT) return [x, x];
      + if (x >= 2 * LIMIT) return [x, x];
      small gelu-input-not-rounded: the entry is that of x itself
      - const half = Math.f16round(x);
      + const half = x;
      small gelu-one-entry: float32 makes no difference to an entry
      - return [Math.f16round(exact - reach), Math.f16round(exact + reach)];
      + return [Math.f16round(exact), Math.f16round(exact)];
      gross gelu-wide in live: float32 is a thousand times worse than it is
      - const TANH_ERROR: number = 2 * UNIT_F32;
      + const TANH_ERROR: number = 2_000 * UNIT_F32;
      gross gelu-not-by-table-in-oracle in oracle: GELU is computed, and no table is there
      - return [Math.f16round(exact - reach), Math.f16round(exact + reach)];
      + return [exact, exact];
    `,
  },
};
