// Programs of a few ops over inputs that are given: a position reads its row of an input as a token reads its embedding. Their logits
// mean nothing, unless they are what is looked at.
import type { WeightInfo, WeightSource } from '../../src/engine/program/executor.ts';
import { ProgramBuilder, type Built } from '../../src/engine/program/program-builder.ts';
import type { Program, WeightName } from '../../src/engine/program/program.ts';
import type { TensorTypeName } from '../../src/engine/formats/tensor-types.ts';
import { SeededRandom } from '../kit/arbitraries/random.ts';
import { tensorBytes } from '../kit/models/tiny-model.ts';

/** Numbers that are put anywhere. None is subnormal: an executor may flush those as it reads them, which no budget of an op holds. */
export const NORMAL_SPECIALS: readonly number[] = [0, -0, 2 ** -126, -(2 ** -120), 1, -1];

/** [positions, channels] */
export interface Rows {
  values: Float32Array;
  channels: number;
}

export interface Made {
  program: Program;
  weights: WeightSource;
}

export interface Ingredients {
  /** Rows of inputs, and how many tokens there are. */
  positions: number;
  seed: number;
  /** Of matrices; the others are f32. */
  typeOf?: (name: WeightName) => TensorTypeName;
  /** Contents that are given: float32, or bytes of the type that `typeOf` says. */
  given?: Readonly<Record<WeightName, Float32Array | Uint8Array>>;
}

/** What a program is built with. */
export interface Kitchen {
  builder: ProgramBuilder;
  /** A value that holds given rows: token t reads row t. */
  input: (name: string, rows: Rows) => Built;
}

/**
 * @param build writes the ops down
 * @returns what `build` answers as the logits, or logits of zeros where that is null
 */
export function smallProgram(ingredients: Ingredients, build: (kitchen: Kitchen) => Built | null): Made {
  const { positions, seed, typeOf = () => 'f32' as const } = ingredients;
  const whole = new ProgramBuilder();
  const given = new Map(Object.entries(ingredients.given ?? {}));
  let inputs = 0;
  const input = (name: WeightName, { values, channels }: Rows): Built => {
    given.set(name, values);
    return whole.inLayer(inputs++).embed('token_embedding', name, positions, channels);
  };
  const shown = build({ builder: whole.inLayer(0), input });
  const logits = shown ?? whole.embed('lm_head', 'head', positions, positions);
  if (logits.channelCount !== positions) throw new RangeError(`${logits.channelCount} logits, ${positions} tokens`);
  const program = whole.finish(
    { architecture: 'small', layerCount: Math.max(1, inputs), vocabSize: positions, contextLength: 4096 },
    logits,
  );
  return { program, weights: weightsOf(program, seed, typeOf, given) };
}

function weightsOf(
  { weights, ops }: Program,
  seed: number,
  typeOf: (name: WeightName) => TensorTypeName,
  given: ReadonlyMap<WeightName, Float32Array | Uint8Array>,
): WeightSource {
  const random = new SeededRandom(seed);
  const biases = new Set(ops.flatMap((op) => (op.op === 'addBias' ? [op.weight] : [])));
  const entries = new Map(
    weights.map(({ name, shape }) => {
      const own = given.get(name);
      const isMatrix = shape.length > 1;
      const type = isMatrix && (own === undefined || own instanceof Uint8Array) ? typeOf(name) : 'f32';
      const role = isMatrix ? 'matrix' : biases.has(name) ? 'bias' : 'gain';
      const bytes = filled(own, shape) ?? tensorBytes(random, name === 'head' ? 'f32' : type, shape.toReversed(), role);
      const info: WeightInfo = { name, type: name === 'head' ? 'f32' : type, shape, byteLength: bytes.byteLength };
      return [name, { info, bytes }] as const;
    }),
  );
  return {
    info: (name) => entries.get(name)?.info,
    async read(name, byteOffset, into) {
      into.set(entries.get(name)?.bytes.subarray(byteOffset, byteOffset + into.byteLength) ?? []);
    },
  };
}

/** Given float32 are as many rows as there are; the others are 0. */
function filled(own: Float32Array | Uint8Array | undefined, shape: readonly number[]): Uint8Array | null {
  if (own === undefined) return null;
  if (own instanceof Uint8Array) return own;
  const all = new Float32Array(shape.reduce((product, size) => product * size, 1));
  all.set(own.subarray(0, all.length));
  return new Uint8Array(all.buffer);
}
