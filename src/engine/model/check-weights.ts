// Do the weights fit the program? A size that does not fit is an error; dimensions that only look swapped are a
// warning, because GGML lists them in the reverse of the order in which they are written here and converters mix the
// two up.
import { RefuteError } from '../../errors.ts';
import { missingTensor } from './stored-weights.ts';
import { quoted } from '../formats/quoted.ts';
import type { Notice } from '../../notice.ts';
import { isSameLayout } from '../program/check-program.ts';
import type { WeightInfo, WeightSource } from '../program/executor.ts';
import type { Program, WeightName, WeightShape } from '../program/program.ts';

export interface CheckedWeights {
  /** The source itself, or one that answers with the program's shapes where the file lists them swapped. */
  weights: WeightSource;
  /** How many weights the file lists as the program wants them; the others it lists swapped. */
  fitting: number;
  notices: Notice[];
}

/**
 * @param nameInFile for messages
 * @param storedNames of all tensors of the file, for messages
 * @throws RefuteError E_MODEL_TENSOR_MISSING, E_MODEL_SHAPE, E_TENSOR_TYPE
 */
export function checkWeights(
  path: string,
  program: Program,
  weights: WeightSource,
  nameInFile: (name: WeightName) => string,
  storedNames: readonly string[] = [],
): CheckedWeights {
  const swapped = new Map<WeightName, WeightInfo>();
  const notices: Notice[] = [];
  for (const wanted of program.weights) {
    const found = weights.info(wanted.name);
    if (found === undefined) throw missingTensor(path, nameInFile(wanted.name), storedNames);
    if (isSameLayout(found.shape, wanted.shape)) continue;
    const name = quoted(nameInFile(wanted.name));
    if (!isSameLayout(found.shape.toReversed(), wanted.shape)) throw shapeError(path, name, found, wanted);
    swapped.set(wanted.name, { ...found, shape: wanted.shape });
    notices.push({
      severity: 'warning',
      code: 'LAYOUT-TRANSPOSED',
      message:
        `tensor ${name} may be transposed: its shape is ${shown(found.shape)} and the config wants ` +
        `${shown(wanted.shape)}. It is read as ${shown(wanted.shape)}.`,
    });
  }
  const fitting = program.weights.length - swapped.size;
  if (swapped.size === 0) return { weights, fitting, notices };
  return {
    weights: {
      info: (name) => swapped.get(name) ?? weights.info(name),
      read: (name, byteOffset, into) => weights.read(name, byteOffset, into),
    },
    fitting,
    notices,
  };
}

function shapeError(path: string, name: string, found: WeightInfo, wanted: WeightShape): RefuteError {
  const is = `tensor ${name} has shape ${shown(found.shape)}`;
  const allowed = `the config demands ${shown(wanted.shape)}`;
  const next = 'Metadata and weights are probably of different models';
  return new RefuteError({ code: 'E_MODEL_SHAPE', place: path, is, allowed, next });
}

function shown(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
