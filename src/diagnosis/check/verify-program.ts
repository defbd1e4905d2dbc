// Is the program the right one for this model? No check inside the engine can know (DESIGN §2): a wrong theta is
// computed faithfully. So the program is run in float64 on the tokens of a reference pack, the recorded stages of
// somebody else's implementation in float64, and must give that implementation's values at every stage.
import { captureRun } from '../../engine/capture/capture-run.ts';
import { stagesById } from '../../engine/capture/select.ts';
import { MemorySink } from '../../engine/capture/sink.ts';
import { ropeByLength } from '../../engine/config/rope-scaling.ts';
import { ropeWeights, type Program } from '../../engine/program/program.ts';
import type { FloatArray, WeightSource } from '../../engine/program/executor.ts';
import { openFloat64Executor } from '../../oracles/float64/float64-executor.ts';
import { UNIT_F32, UNIT_F64 } from '../ops/constants.ts';
import { isOfArchitecture, producerOf, type Pack } from '../recordings/open-pack.ts';

export interface Verification {
  status: 'verified' | 'refuted' | 'unverified';
  /** One sentence: by whom, or why not. */
  says: string;
  /** Packs that the program was compared with. */
  packs: { folder: string; producer: string; digest: string; tokenCount: number; stageCount: number }[];
  /** Of a refuted program: the first stage that is not the pack's, and by how much of the stage's largest value. */
  firstDifference: { pack: string; path: string; relative: number; bar: number } | null;
}

export interface VerifyOptions {
  program: Program;
  /** Unquantised weights of this program, the model's own or those it was quantised from; null: there are none. */
  weights: WeightSource | null;
  packs: readonly Pack[];
  /** Positions of the run that the program is vouched for. */
  contextLength: number;
  signal?: AbortSignal | undefined;
}

const LOGITS = 'lm_head';

/** Most packs that one check compares the program with. */
const MAX_PACKS = 8;

interface Difference {
  pack: Pack;
  path: string;
  relative: number;
}

/** Pack values are float32; what is compared is what is left beyond half a unit of that. */
export async function verifyProgram(options: VerifyOptions): Promise<Verification> {
  const { program, weights, contextLength } = options;
  const none: Verification = { status: 'unverified', says: '', packs: [], firstDifference: null };
  const usable = usablePacks(options);
  if (typeof usable === 'string') return { ...none, says: usable };
  if (weights === null) {
    return { ...none, says: 'the packs are of unquantised weights, which are not at hand (--original gives them)' };
  }
  const executor = await openFloat64Executor(program, weights);
  const bar = freeRunBar(program, contextLength);
  const order = stagesById(program);
  const result: Verification = { ...none, status: 'verified' };
  const differences: Difference[] = [];
  for (const pack of usable) {
    const { tokens, positions, tensors } = pack;
    const sink = new MemorySink<Float64Array>();
    const stages = [...order].flatMap(([id, stage]) => (tensors.has(id) ? [stage] : []));
    await captureRun<Float64Array>({ executor, tokens, stages, positions, sink, signal: options.signal });
    const difference = await firstDifference(pack, sink, bar);
    if (difference !== null) differences.push(difference);
    const [producer, digest] = [producerOf(pack), await pack.digest()];
    result.packs.push({ folder: pack.path, producer, digest, tokenCount: tokens.length, stageCount: tensors.size });
  }
  await executor.close();
  // One pack may have logits alone where another shows the stage at which it begins.
  const ids = [...order.keys()];
  const [earliest] = differences.toSorted((a, b) => ids.indexOf(a.path) - ids.indexOf(b.path));
  if (earliest !== undefined) {
    const { pack, path, relative } = earliest;
    if (path.endsWith('/embedding')) {
      const says = `the pack ${pack.path} is of other weights (${pack.manifest.model.name}): its embeddings differ`;
      return { ...none, says };
    }
    const says = `${producerOf(pack)} has other values from ${path} on (${relative.toExponential(1)} of the largest, ${bar.toExponential(1)} is allowed)`;
    return { ...result, status: 'refuted', says, firstDifference: { pack: pack.path, path, relative, bar } };
  }
  const [first] = result.packs;
  const stages = result.packs.reduce((sum, { stageCount }) => sum + stageCount, 0);
  result.says = `${first?.producer ?? ''}, ${result.packs.length} packs, ${stages} stages, pack ${first?.digest.slice(0, 12) ?? ''}`;
  return result;
}

/** The packs that say something about the run, or why there is none. */
function usablePacks({ program, packs, contextLength }: VerifyOptions): readonly Pack[] | string {
  if (packs.length === 0) return 'no reference pack of an independent implementation was found';
  const fitting = packs.filter((pack) => pack.dtype === 'float64' && fits(pack, program));
  if (fitting.length === 0) return 'no float64 pack of this architecture and vocabulary was found';
  // Every op of a program ends in the logits; a pack without them says nothing of what comes after its last stage.
  const whole = fitting.filter(({ tensors }) => tensors.has(LOGITS));
  if (whole.length === 0) return 'no pack has lm_head, so none speaks of the whole program';
  const run = ropeByLength(program, contextLength);
  // Frequencies depend on the length of the session: a pack vouches for those that it was made with.
  const ofRun = whole.filter(({ tokens }) => ropeByLength(program, tokens.length)?.isBeyond === run?.isBeyond);
  if (ofRun.length > 0) return ofRun.slice(0, MAX_PACKS);
  const side = run?.isBeyond === true ? 'beyond' : 'within';
  return `no pack is ${side} the original context of ${run?.originalContextLength} positions, as the run is`;
}

async function firstDifference(pack: Pack, sink: MemorySink<Float64Array>, bar: number): Promise<Difference | null> {
  for (const path of pack.tensors.keys()) {
    const { data } = await pack.read(path);
    const relative = beyondRounding(sink.stages.get(path)?.data ?? new Float64Array(0), data);
    if (!(relative <= bar)) return { pack, path, relative };
  }
  return null;
}

function fits({ manifest, origin, tokens }: Pack, program: Program): boolean {
  return (
    // Our own executors vouch for nothing.
    origin !== null &&
    'producer' in origin &&
    isOfArchitecture(manifest, program) &&
    tokens.length <= program.contextLength &&
    tokens.every((token) => token < program.vocabSize)
  );
}

/**
 * Two float64 runs may part, relative to a stage's largest value, by the roundings of every op on the way: as many as
 * the longest sum has terms, at each op. For sums-2m that is 4.5e-12 (seen: 1.1e-13); float32 is 6e-8.
 */
function freeRunBar({ ops, values }: Program, positionCount: number): number {
  const widest = values.reduce((most, { channelCount }) => Math.max(most, channelCount), 1);
  const inDouble = ops.length * widest * UNIT_F64;
  // A factor that lies in the file is a float32 of what the pack was computed with; an angle has up to one radian for
  // each position.
  const hasStoredFactors = ops.some((op) => op.op === 'rope' && ropeWeights(op.rope.scaling).length > 0);
  return hasStoredFactors ? inDouble + UNIT_F32 * positionCount : inDouble;
}

const scratch = new DataView(new ArrayBuffer(4));

function beyondRounding(ours: Float64Array, pack: FloatArray): number {
  if (ours.length !== pack.length) return Infinity;
  let [largest, worst] = [0, 0];
  for (let i = 0; i < pack.length; i += 1) {
    const value = pack[i] ?? 0;
    largest = Math.max(largest, Math.abs(value));
    scratch.setFloat32(0, Math.abs(value));
    const halfUlp = 2 ** (Math.max(scratch.getUint32(0) >>> 23, 1) - 151);
    // Math.max keeps a NaN, which a comparison would lose at the next element.
    worst = Math.max(worst, Math.abs((ours[i] ?? 0) - value) - halfUlp);
  }
  return worst === 0 ? 0 : worst / largest;
}
