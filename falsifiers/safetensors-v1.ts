// Tries to break the reader of safetensors: what it says about well-formed files, what it refuses, which of several files it
// takes a tensor from, and what it makes of a head that a config calls tied. Not claimed here: what a key of config.json
// means (architecture-config-v1).
import fc from 'fast-check';
import type { Falsifier, PartContext } from '../src/runner/run/falsifier.ts';
import * as files from './safetensors-v1/files.ts';
import * as folders from './safetensors-v1/folders.ts';
import { orNaN } from './kit/judges/refusals.ts';
import { plants } from './kit/claims/plants.ts';
import { parseSafetensors } from '../src/engine/formats/safetensors.ts';
import { openFile } from '../src/engine/io/open-file.ts';
import { readSafetensors } from './kit/models/safetensors.ts';
import { readFile } from 'node:fs/promises';

const TRAINED = 'models/sums-2m/hf/model.safetensors';
/** Of the bundled model: four layers of twelve tensors, the embedding, the last norm. */
const TENSOR_COUNT = 50;

/** Tensor by tensor against a reader that shares nothing with the product. */
async function readTrained(context: PartContext): Promise<void> {
  const path = context.data(TRAINED);
  const theirs = await readSafetensors(path);
  const source = await openFile(path);
  const { tensors } = await parseSafetensors(source);
  for (const { name, shape, byteOffset, byteLength } of tensors) {
    const bytes = new Uint8Array(byteLength);
    await source.read(byteOffset, bytes);
    const wanted = theirs.get(name);
    const isSame = wanted?.shape.join() === shape.join() && Buffer.compare(bytes, wanted.bytes) === 0;
    context.measure(isSame ? 0 : 1, name);
    context.output(bytes);
  }
  await source.close();
}

/** The bundled file cut all over its header and at its end. */
async function cutTrained(context: PartContext): Promise<void> {
  const bytes = await readFile(context.data(TRAINED));
  const headerLength = 8 + Number(bytes.readBigUInt64LE(0));
  for (let i = 0; i < context.planned; i += 1) {
    const length = i % 2 === 0 ? Math.floor((headerLength * i) / context.planned) : bytes.length - 1 - i;
    context.measure(await files.countAccepted(bytes.subarray(0, length)), `cut at byte ${length}`);
  }
}

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-SAFETENSORS-001': {
    parts: {
      generated: {
        planned: 400,
        run: (context) =>
          context.search(files.safetensorsPlan, context.planned, (plan) => orNaN(() => files.countDifferences(plan))),
      },
      live: { planned: TENSOR_COUNT, run: readTrained },
      oracle: { planned: files.RECORDED_WHOLE, run: files.compareAccepted },
    },
    faults: plants`
      src/engine/formats/safetensors-tensors.ts
      gross safetensors-offset-of-file: offsets count from the start of the file
      - byteOffset: range.dataOffset + begin,
      + byteOffset: begin,
      small safetensors-empty-refused: a dimension of 0 is no dimension
      - if (!isByteCount(dimension)) throw
      + if (!isByteCount(dimension) || dimension === 0) throw
    `,
  },

  'FALSIFY-SAFETENSORS-002': {
    parts: {
      generated: {
        planned: 1000,
        run: (context) =>
          context.search(
            fc.record({
              plan: files.safetensorsPlan,
              pick: fc.nat(),
              breakage: fc.nat(files.BREAKAGES.length - 1),
            }),
            context.planned,
            ({ plan, pick, breakage }) =>
              files.countAccepted(files.BREAKAGES[breakage]?.apply(plan, pick) ?? new Uint8Array()),
          ),
      },
      live: { planned: 200, run: cutTrained },
      oracle: { planned: files.RECORDED_BROKEN, run: files.compareRefused },
    },
    faults: plants`
      src/engine/formats/safetensors-tensors.ts
      gross safetensors-length-unchecked: a tensor may have other bytes than its shape makes
      - if (end - begin !== wanted)
      + if (Number.isNaN(wanted))
      small safetensors-last-byte-missing: the last byte of the file may be missing
      - if (end > fileLength)
      + if (end > fileLength + 1)
      small safetensors-tail-accepted: a byte may stand behind the last tensor
      - if (covered < fileLength)
      + if (covered < fileLength - 1)
    `,
  },

  'FALSIFY-SAFETENSORS-003': {
    parts: {
      generated: {
        planned: 1000,
        run: (context) => context.search(folders.indexCase, context.planned, folders.countWrongFile),
      },
      live: { planned: folders.LIVE_FOLDERS, run: folders.openTrainedShards },
      oracle: {
        planned: folders.RECORDED_FILES,
        run: (context) => folders.compareTransformers(context, false),
      },
    },
    faults: plants`
      src/engine/formats/safetensors-index.ts
      gross safetensors-index-ignored: of two copies none is stale
      - if (shard !== chosen) stale
      + if (shard === '') stale
      small safetensors-stale-is-read: of two copies the one that the index names is passed over
      - if (shard !== chosen) stale
      + if (shard === chosen) stale
    `,
  },

  'FALSIFY-SAFETENSORS-004': {
    parts: {
      generated: {
        planned: 200,
        run: (context) => {
          const written = new folders.Folders(context);
          return context.search(folders.tiedCase, context.planned, (of) =>
            folders.countWrongHead(context, written, of),
          );
        },
      },
      live: { planned: folders.LIVE_HEADS, run: folders.openTrainedHeads },
      oracle: {
        planned: folders.RECORDED_HEADS,
        run: (context) => folders.compareTransformers(context, true),
      },
    },
    faults: plants`
      src/engine/model/tied-head.ts
      gross tied-head-dropped: a stored head is dropped where the config says tied
      - if (await haveEqualValues(weights, a, b))
      + if (a.name !== b.name)
      small tied-head-by-bytes: two matrices of equal values in other bytes are different
      - every((value, i) => value === theirs[i])
      + every((value, i) => Object.is(value, theirs[i]) && a.type === b.type)
    `,
  },
};
