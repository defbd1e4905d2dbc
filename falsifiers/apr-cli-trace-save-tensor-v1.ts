// Tries to break `apr trace --save-tensor` and `apr diff --values`: which stages are written, which bits they hold, and
// what a comparison of them says. Generated parts search through the engine's own functions on models made from a seed,
// live parts start the real program on the bundled trained model. Not claimed here: the file format (aprt-format-v1) and
// that the values are right (hf-parity-qwen2-v1).
import { SESSION_FAULTS } from '../src/diagnosis/faults/session.ts';
import { WEIGHT_FAULTS } from '../src/diagnosis/faults/weights.ts';
import type { Falsifier, Part, PartContext } from '../src/runner/run/falsifier.ts';
import * as bits from './apr-cli-trace-save-tensor-v1/bits.ts';
import * as stageDiff from './apr-cli-trace-save-tensor-v1/diff.ts';
import * as endToEnd from './apr-cli-trace-save-tensor-v1/end-to-end.ts';
import * as nan from './apr-cli-trace-save-tensor-v1/nan.ts';
import * as selection from './apr-cli-trace-save-tensor-v1/selection.ts';
import { known } from './kit/claims/known-faults.ts';
import { plants } from './kit/claims/plants.ts';

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
    faults: plants`
      src/engine/capture/select.ts
      gross trace-unknown-stage-skipped: a name that is no stage is skipped
      - if (!isStepName(name)) throw unknownStage(place, name);
      + if (!isStepName(name)) continue;
      small trace-refusal-names-one-less: the refusal leaves out one of the valid names
      - const known = [...STAGE_NAMES, 
      + const known = [...STAGE_NAMES.slice(1), 
    `,
  },

  'FALSIFY-APR-TRACE-SAVE-002': {
    parts: { generated: searched(30, bits.searchRepetitions), live: onModel(bits.ALL_FILES + 1, bits.measureTwoRuns) },
    faults: [
      ...known(SESSION_FAULTS, 'G11'),
      ...plants`
        src/engine/capture/manifest.ts
        small trace-manifest-with-time: the manifest holds the time
        - { ...rest, ...origin, files }
        + { ...rest, ...origin, at: performance.now(), files }
      `,
    ],
  },

  'FALSIFY-APR-TRACE-SAVE-003': {
    parts: {
      generated: searched(60, bits.searchFormats),
      live: onModel(bits.FORMAT_CASES, bits.measureFormats),
      oracle: onModel(bits.PACK_PROMPTS, bits.measurePackEmbeddings),
    },
    faults: known(WEIGHT_FAULTS, 'E3 E3-small'),
  },

  'FALSIFY-APR-TRACE-SAVE-004': {
    parts: {
      generated: searched(40, bits.searchHeaders),
      live: onModel(bits.ALL_FILES, bits.measureHeaders),
      oracle: onModel(bits.ALL_FILES, bits.measurePackHeaders),
    },
    faults: plants`
      src/engine/capture/write-capture.ts
      gross trace-header-counts-bytes: the header counts bytes, not elements
      - encodeAprtHeader(stage.layer, elementCountOf(stage))
      + encodeAprtHeader(stage.layer, 4 * elementCountOf(stage))
      small trace-layer-one-as-zero: files of layer 1 say layer 0
      - encodeAprtHeader(stage.layer, elementCountOf(stage))
      + encodeAprtHeader(stage.layer === 1 ? 0 : stage.layer, elementCountOf(stage))
    `,
  },

  'FALSIFY-APR-TRACE-SAVE-005': {
    parts: {
      generated: searched(60, selection.searchSelections),
      live: onModel(selection.LIST_RUNS, selection.measureLists),
    },
    faults: plants`
      src/engine/capture/select.ts
      gross trace-first-name-only: only the first name of a list counts
      - const names = new Set<string>();
      -   for (const token of text.split(',')) {
      + const names = new Set<string>();
      +   for (const token of text.split(',').slice(0, 1)) {
      small trace-names-not-trimmed: a space after a comma belongs to the name
      - const name = token.trim().toLowerCase();
      + const name = token.toLowerCase();
    `,
  },

  'FALSIFY-APR-TRACE-SAVE-006': {
    parts: { generated: searched(40, nan.searchNaNs), live: onModel(nan.NAN_CASES, nan.measureNaN) },
    faults: plants`
      src/engine/formats/aprt.ts
      gross trace-nan-as-zero: a NaN is written as zero
      - return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      + return new Uint8Array(data.map((x) => (x === x ? x : 0)).buffer);
      small trace-nan-payload-lost: a NaN is written as the one that arithmetic makes
      - return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      + return new Uint8Array(data.map((x) => (x === x ? x : NaN)).buffer);
    `,
  },

  'FALSIFY-APR-TRACE-SAVE-007': {
    parts: {
      generated: searched(400, (context, planned) =>
        context.search(selection.layerLists, planned, selection.countWrongLayers),
      ),
      live: onModel(selection.LAYER_RUNS, selection.measureLayers),
    },
    faults: plants`
      src/engine/capture/select.ts
      gross trace-layer-zero-always in live: layer 0 is written whether asked for or not
      - layer === null || layers.has(layer)
      + layer === null || layer === 0 || layers.has(layer)
      small trace-range-end-excluded: the end of a range is left out
      - for (const layer of range(first, last + 1)) layers.add(layer);
      + for (const layer of range(first, Math.max(last, first + 1))) layers.add(layer);
    `,
  },

  'FALSIFY-APR-TRACE-SAVE-009': {
    parts: {
      generated: searched(12, (context, planned) =>
        context.search(stageDiff.pairs, planned, (pair) => stageDiff.countWrongFacts(context, pair)),
      ),
      live: onModel(stageDiff.DIFF_CASES, stageDiff.measureDiff),
    },
    faults: plants`
      src/cli/apr/diff/stage-files.ts
      gross diff-other-layer-accepted: files of two layers are compared
      - if (a.layer !== b.layer) reasons.push
      + if (Number.isNaN(a.layer)) reasons.push
      src/diagnosis/compare/tensors.ts
      small diff-by-value: elements are compared as numbers: 0 is -0, and NaN is never NaN
      - if (bitsA === bitsB) continue;
      + if (x === y) continue;
    `,
  },

  'FALSIFY-APR-TRACE-SAVE-010': {
    parts: {
      generated: searched(60, bits.searchHeads),
      live: onModel(bits.HEAD_CASES, bits.measureHead),
      oracle: onModel(bits.PACK_PROMPTS, bits.measurePackHeads),
    },
    faults: plants`
      src/engine/formats/aprt.ts
      gross trace-head-as-layer-zero: whole-model files say layer 0
      - header.setUint32(4, layer ?? WHOLE_MODEL, true);
      + header.setUint32(4, layer ?? 0, true);
      src/engine/capture/write-capture.ts
      small trace-head-one-bit: the lowest bit of one logit is flipped on the way to the file
      - const bytes = elementBytes(data instanceof Float32Array ? data : Float32Array.from(data));
      + const bytes = elementBytes(data instanceof Float32Array ? data : Float32Array.from(data));
      +     if (stage.name === 'lm_head') bytes[0] = (bytes[0] ?? 0) ^ 1;
    `,
  },

  'FALSIFY-APR-TRACE-SAVE-011': {
    parts: {
      generated: { planned: endToEnd.TINY_VARIANTS.length, run: endToEnd.measureTinyModels },
      live: onModel(endToEnd.END_TO_END_CASES, endToEnd.measureEndToEnd),
      oracle: onModel(endToEnd.PACK_FILES, endToEnd.measureAgainstPack),
    },
    faults: plants`
      src/engine/capture/select.ts
      gross trace-final-norm-missing: one stage of the whole model is never written
      - stage.name === unaliased(name))
      + stage.name === unaliased(name) && name !== 'final_norm')
      src/engine/capture/write-capture.ts
      small trace-digest-without-header: digests in the manifest leave out the header
      - hash.update(header);
      +
    `,
  },
};
