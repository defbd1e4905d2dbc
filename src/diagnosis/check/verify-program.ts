// Is the program the right one for this model? No check inside the engine can know (DESIGN §2): a wrong theta is computed
// faithfully. So the program is run in float64 on the tokens of a reference pack, the recorded stages of somebody else's
// implementation in float64, and must give that implementation's values at every stage.
import { captureRun } from '../../engine/capture/capture-run.ts';
import { MemorySink, stagePath } from '../../engine/capture/sink.ts';
import { ropeByLength } from '../../engine/config/rope-scaling.ts';
import { sha256Bytes } from '../../engine/io/sha256.ts';
import type { Capture } from '../../engine/capture/read-capture.ts';
import type { Program } from '../../engine/program/program.ts';
import type { WeightSource } from '../../engine/program/executor.ts';
import { openFloat64Executor } from '../../oracles/float64/float64-executor.ts';
import { MAX_PACKS, UNIT_F64 } from '../ops/constants.ts';
import { dtypeOf, isOfArchitecture, producerOf } from '../recordings/open-pack.ts';

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
  packs: readonly Capture[];
  /** Positions of the run that the program is vouched for. */
  contextLength: number;
  signal?: AbortSignal | undefined;
}

const LOGITS = 'lm_head.bin';

interface Difference {
  pack: Capture;
  path: string;
  relative: number;
}

/** Pack values are float32; what is compared is what is left beyond half a unit of that. */
export async function verifyProgram(options: VerifyOptions): Promise<Verification> {
  const { program, weights } = options;
  const none: Verification = { status: 'unverified', says: '', packs: [], firstDifference: null };
  const usable = usablePacks(options);
  if (typeof usable === 'string') return { ...none, says: usable };
  if (weights === null) {
    return { ...none, says: 'the packs are of unquantised weights, which are not at hand (--original gives them)' };
  }
  const executor = await openFloat64Executor(program, weights);
  const bar = freeRunBar(program);
  const result: Verification = { ...none, status: 'verified' };
  const differences: Difference[] = [];
  for (const pack of usable) {
    const { tokens, positions } = pack.manifest;
    const sink = new MemorySink<Float64Array>();
    await captureRun<Float64Array>({
      executor,
      tokens,
      stages: program.stages,
      positions,
      sink,
      signal: options.signal,
    });
    const difference = await firstDifference(pack, sink, bar);
    if (difference !== null) differences.push(difference);
    const digest = await sha256Bytes(new TextEncoder().encode(JSON.stringify(pack.manifest)));
    const [producer, stageCount] = [producerOf(pack), pack.paths.length];
    result.packs.push({ folder: pack.folder, producer, digest, tokenCount: tokens.length, stageCount });
  }
  await executor.close();
  // One pack may have logits alone where another shows the stage at which it begins.
  const order = program.stages.map(stagePath);
  const [earliest] = differences.toSorted((a, b) => order.indexOf(a.path) - order.indexOf(b.path));
  if (earliest !== undefined) {
    const { pack, path, relative } = earliest;
    if (path.endsWith('/embedding.bin')) {
      const says = `the pack ${pack.folder} is of other weights (${pack.manifest.model.name}): its embeddings differ`;
      return { ...none, says };
    }
    const says = `${producerOf(pack)} has other values from ${path.replace(/\.bin$/, '')} on (${relative.toExponential(1)} of the largest, ${bar.toExponential(1)} is allowed)`;
    return { ...result, status: 'refuted', says, firstDifference: { pack: pack.folder, path, relative, bar } };
  }
  const [first] = result.packs;
  const stages = result.packs.reduce((sum, { stageCount }) => sum + stageCount, 0);
  result.says = `${first?.producer ?? ''}, ${result.packs.length} packs, ${stages} stages, pack ${first?.digest.slice(0, 12) ?? ''}`;
  return result;
}

/** The packs that can speak of the run, or why there is none. */
function usablePacks({ program, packs, contextLength }: VerifyOptions): readonly Capture[] | string {
  if (packs.length === 0) return 'no reference pack of an independent implementation was found';
  // Our own executors say no dtype, and vouch for nothing.
  const fitting = packs.filter((pack) => dtypeOf(pack) === 'float64' && fits(pack, program));
  if (fitting.length === 0) return 'no float64 pack of this architecture and vocabulary was found';
  // Every op of a program ends in the logits; a pack without them says nothing of what comes after its last stage.
  const whole = fitting.filter(({ paths }) => paths.includes(LOGITS));
  if (whole.length === 0) return 'no pack has lm_head, so none speaks of the whole program';
  const run = ropeByLength(program, contextLength);
  // Frequencies that go by length: a pack speaks of those that it was made with.
  const ofRun = whole.filter(
    ({ manifest }) => ropeByLength(program, manifest.tokens.length)?.isBeyond === run?.isBeyond,
  );
  if (ofRun.length > 0) return ofRun.slice(0, MAX_PACKS);
  const side = run?.isBeyond === true ? 'beyond' : 'within';
  return `no pack is ${side} the original context of ${run?.originalContextLength} positions, as the run is`;
}

async function firstDifference(pack: Capture, sink: MemorySink<Float64Array>, bar: number): Promise<Difference | null> {
  for (const path of pack.paths) {
    const relative = beyondRounding(sink.stages.get(path)?.data ?? new Float64Array(0), await pack.read(path));
    if (!(relative <= bar)) return { pack, path, relative };
  }
  return null;
}

function fits(pack: Capture, program: Program): boolean {
  const { manifest } = pack;
  return (
    isOfArchitecture(pack, program) &&
    manifest.tokens.length <= program.contextLength &&
    manifest.tokens.every((token) => token < program.vocabSize)
  );
}

/**
 * Two float64 runs may part, relative to a stage's largest value, by the roundings of every op on the way: as many as the
 * longest sum has terms, at each op. For sums-2m that is 4.5e-12 (seen: 1.1e-13); float32 is 6e-8.
 */
function freeRunBar({ ops, values }: Program): number {
  const widest = values.reduce((most, { channelCount }) => Math.max(most, channelCount), 1);
  return ops.length * widest * UNIT_F64;
}

const scratch = new DataView(new ArrayBuffer(4));

function beyondRounding(ours: Float64Array, pack: Float32Array): number {
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
