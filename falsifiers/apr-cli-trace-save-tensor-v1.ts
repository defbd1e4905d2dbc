// Tries to break `apr trace --save-tensor` and `apr diff --values`: which stages are written, which bits they hold, and
// what a comparison of them says. Generated parts search through the engine's own functions on models made from a seed,
// live parts start the real program on the bundled trained model. Not claimed here: the file format (aprt-format-v1) and
// that the values are right (hf-parity-qwen2-v1).
import { plantFrom } from '../src/diagnosis/faults/fault.ts';
import { SESSION_FAULTS } from '../src/diagnosis/faults/session.ts';
import { WEIGHT_FAULTS } from '../src/diagnosis/faults/weights.ts';
import type { Falsifier, Part, PartContext, PlantedFault } from '../src/runner/run/falsifier.ts';
import * as bits from './apr-cli-trace-save-tensor-v1/bits.ts';
import * as stageDiff from './apr-cli-trace-save-tensor-v1/diff.ts';
import * as endToEnd from './apr-cli-trace-save-tensor-v1/end-to-end.ts';
import * as nan from './apr-cli-trace-save-tensor-v1/nan.ts';
import * as selection from './apr-cli-trace-save-tensor-v1/selection.ts';

const SELECT = 'src/engine/capture/select.ts';
const WRITER = 'src/engine/capture/write-capture.ts';
const APRT = 'src/engine/formats/aprt.ts';

function changed(
  file: string,
  ...[id, size, title, find, replace]: [string, 'gross' | 'small', string, string, string]
): PlantedFault {
  return { id, size, title, inject: { kind: 'source', file, find, replace } };
}

/** A part whose searches take as many cases as the run asks for. */
function searched(planned: number, run: (context: PartContext, planned: number) => Promise<void>): Part {
  return { planned, run: (context) => run(context, context.planned) };
}

function onModel(planned: number, run: (context: PartContext) => Promise<void>): Part {
  return { needs: ['model:sums-2m'], planned, run };
}

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-APR-TRACE-SAVE-001': {
    parts: {
      generated: searched(400, (context, planned) =>
        context.search(selection.wrongLists, planned, selection.countMissedRefusal),
      ),
      live: onModel(selection.FLAG_CASES, selection.measureFlag),
    },
    faults: [
      changed(
        SELECT,
        ...(['trace-unknown-stage-skipped', 'gross', 'a name that is no stage is skipped'] as const),
        'if (!isStepName(name)) throw unknownStage(place, name);',
        'if (!isStepName(name)) continue;',
      ),
      changed(
        SELECT,
        ...(['trace-refusal-names-one-less', 'small', 'the refusal leaves out one of the valid names'] as const),
        'const known = [...STAGE_NAMES, ',
        'const known = [...STAGE_NAMES.slice(1), ',
      ),
    ],
  },

  'FALSIFY-APR-TRACE-SAVE-002': {
    parts: {
      generated: searched(30, bits.searchRepetitions),
      live: onModel(bits.ALL_FILES + 1, bits.measureTwoRuns),
    },
    faults: [
      plantFrom(SESSION_FAULTS, 'G11', 'gross'),
      changed(
        'src/engine/capture/manifest.ts',
        ...(['trace-manifest-with-time', 'small', 'the manifest holds the time'] as const),
        '{ ...rest, ...origin, files }',
        '{ ...rest, ...origin, at: performance.now(), files }',
      ),
    ],
  },

  'FALSIFY-APR-TRACE-SAVE-003': {
    parts: {
      generated: searched(60, bits.searchFormats),
      live: onModel(bits.FORMAT_CASES, bits.measureFormats),
      oracle: onModel(bits.PACK_PROMPTS, bits.measurePackEmbeddings),
    },
    faults: [plantFrom(WEIGHT_FAULTS, 'E3', 'gross'), plantFrom(WEIGHT_FAULTS, 'E3', 'small')],
  },

  'FALSIFY-APR-TRACE-SAVE-004': {
    parts: {
      generated: searched(40, bits.searchHeaders),
      live: onModel(bits.ALL_FILES, bits.measureHeaders),
      oracle: onModel(bits.ALL_FILES, bits.measurePackHeaders),
    },
    faults: [
      changed(
        WRITER,
        ...(['trace-header-counts-bytes', 'gross', 'the header counts bytes, not elements'] as const),
        'encodeAprtHeader(stage.layer, elementCountOf(stage))',
        'encodeAprtHeader(stage.layer, 4 * elementCountOf(stage))',
      ),
      changed(
        WRITER,
        ...(['trace-layer-one-as-zero', 'small', 'files of layer 1 say layer 0'] as const),
        'encodeAprtHeader(stage.layer, elementCountOf(stage))',
        'encodeAprtHeader(stage.layer === 1 ? 0 : stage.layer, elementCountOf(stage))',
      ),
    ],
  },

  'FALSIFY-APR-TRACE-SAVE-005': {
    parts: {
      generated: searched(60, selection.searchSelections),
      live: onModel(selection.LIST_RUNS, selection.measureLists),
    },
    faults: [
      changed(
        SELECT,
        ...(['trace-first-name-only', 'gross', 'only the first name of a list counts'] as const),
        "const names = new Set<string>();\n  for (const token of text.split(',')) {",
        "const names = new Set<string>();\n  for (const token of text.split(',').slice(0, 1)) {",
      ),
      changed(
        SELECT,
        ...(['trace-names-not-trimmed', 'small', 'a space after a comma belongs to the name'] as const),
        'const name = token.trim().toLowerCase();',
        'const name = token.toLowerCase();',
      ),
    ],
  },

  'FALSIFY-APR-TRACE-SAVE-006': {
    parts: {
      generated: searched(40, nan.searchNaNs),
      live: onModel(nan.NAN_CASES, nan.measureNaN),
    },
    faults: [
      changed(
        APRT,
        ...(['trace-nan-as-zero', 'gross', 'a NaN is written as zero'] as const),
        'return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);',
        'return new Uint8Array(data.map((x) => (x === x ? x : 0)).buffer);',
      ),
      changed(
        APRT,
        ...(['trace-nan-payload-lost', 'small', 'a NaN is written as the one that arithmetic makes'] as const),
        'return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);',
        'return new Uint8Array(data.map((x) => (x === x ? x : NaN)).buffer);',
      ),
    ],
  },

  'FALSIFY-APR-TRACE-SAVE-007': {
    parts: {
      generated: searched(400, (context, planned) =>
        context.search(selection.layerLists, planned, selection.countWrongLayers),
      ),
      live: onModel(selection.LAYER_RUNS, selection.measureLayers),
    },
    faults: [
      {
        ...changed(
          SELECT,
          ...(['trace-layer-zero-always', 'gross', 'layer 0 is written whether asked for or not'] as const),
          'layer === null || layers.has(layer)',
          'layer === null || layer === 0 || layers.has(layer)',
        ),
        part: 'live',
      },
      changed(
        SELECT,
        ...(['trace-range-end-excluded', 'small', 'the end of a range is left out'] as const),
        'for (const layer of range(first, last + 1)) layers.add(layer);',
        'for (const layer of range(first, Math.max(last, first + 1))) layers.add(layer);',
      ),
    ],
  },

  'FALSIFY-APR-TRACE-SAVE-009': {
    parts: {
      generated: searched(12, (context, planned) =>
        context.search(stageDiff.pairs, planned, (pair) => stageDiff.countWrongFacts(context, pair)),
      ),
      live: onModel(stageDiff.DIFF_CASES, stageDiff.measureDiff),
    },
    faults: [
      changed(
        'src/cli/apr/diff/stage-files.ts',
        ...(['diff-other-layer-accepted', 'gross', 'files of two layers are compared'] as const),
        'if (a.layer !== b.layer) reasons.push',
        'if (Number.isNaN(a.layer)) reasons.push',
      ),
      changed(
        'src/diagnosis/compare/tensors.ts',
        ...(['diff-by-value', 'small', 'elements are compared as numbers: 0 is -0, and NaN is never NaN'] as const),
        'if (bitsA === bitsB) continue;',
        'if (x === y) continue;',
      ),
    ],
  },

  'FALSIFY-APR-TRACE-SAVE-010': {
    parts: {
      generated: searched(60, bits.searchHeads),
      live: onModel(bits.HEAD_CASES, bits.measureHead),
      oracle: onModel(bits.PACK_PROMPTS, bits.measurePackHeads),
    },
    faults: [
      changed(
        APRT,
        ...(['trace-head-as-layer-zero', 'gross', 'whole-model files say layer 0'] as const),
        'header.setUint32(4, layer ?? WHOLE_MODEL, true);',
        'header.setUint32(4, layer ?? 0, true);',
      ),
      changed(
        WRITER,
        ...(['trace-head-one-bit', 'small', 'the lowest bit of one logit is flipped on the way to the file'] as const),
        'const bytes = elementBytes(data instanceof Float32Array ? data : Float32Array.from(data));',
        "const bytes = elementBytes(data instanceof Float32Array ? data : Float32Array.from(data));\n    if (stage.name === 'lm_head') bytes[0] = (bytes[0] ?? 0) ^ 1;",
      ),
    ],
  },

  'FALSIFY-APR-TRACE-SAVE-011': {
    parts: {
      generated: { planned: endToEnd.TINY_VARIANTS.length, run: endToEnd.measureTinyModels },
      live: onModel(endToEnd.END_TO_END_CASES, endToEnd.measureEndToEnd),
      oracle: onModel(endToEnd.PACK_FILES, endToEnd.measureAgainstPack),
    },
    faults: [
      changed(
        SELECT,
        ...(['trace-final-norm-missing', 'gross', 'one stage of the whole model is never written'] as const),
        'stage.name === unaliased(name))',
        "stage.name === unaliased(name) && name !== 'final_norm')",
      ),
      changed(
        WRITER,
        ...(['trace-digest-without-header', 'small', 'digests in the manifest leave out the header'] as const),
        'hash.update(header);',
        '',
      ),
    ],
  },
};
