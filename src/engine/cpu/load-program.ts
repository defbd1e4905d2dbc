// A program with its weights in memory: what every session of an executor shares and none changes.
import type { WeightInfo, WeightSource } from '../program/executor.ts';
import { ropeWeights, type Op, type Program, type RopeParameters, type WeightName } from '../program/program.ts';
import type { TensorTypeName } from '../formats/tensor-types.ts';
import { planBanks, residentWeight, type BankLimits, type BankPlan, type ResidentWeight } from './bank-plan.ts';
import { Bank, readFloats } from './bank.ts';
import { planBuffers, type BufferPlan } from './buffer-plan.ts';

export interface LoadedProgram {
  program: Program;
  infoOf(weight: WeightName): WeightInfo;
  bankPlan: BankPlan;
  bufferPlan: BufferPlan;
  banks: readonly Bank[];
  /** By `ropeKey`. */
  ropes: ReadonlyMap<string, LoadedRope>;
  chunkPositions: number;
}

export interface LoadedRope {
  rope: RopeParameters;
  /** Contents of the weights that its scaling reads. */
  factors: ReadonlyMap<WeightName, Float32Array>;
}

/** Equal for ropes that share a table. */
export function ropeKey(rope: RopeParameters): string {
  const { theta, rotaryDim, scaling } = rope;
  return JSON.stringify([theta, rotaryDim, scaling]);
}

/** The program has been checked against the source. */
export async function loadProgram(program: Program, source: WeightSource, limits: BankLimits): Promise<LoadedProgram> {
  const infos = infosOf(program, source);
  const bankPlan = planBanks(program, infos, limits);
  const placed = placedWeights(program, bankPlan);
  const banks: Bank[] = [];
  for (let index = 0; index < bankPlan.bankCount; index++) {
    const here = placed.filter((entry) => entry.bank === index).map((entry) => entry.weight);
    banks.push(await openBank(here, infos, source, limits.bankByteLimit));
  }
  return {
    program,
    infoOf: (name) => infoOf(infos, name),
    bankPlan,
    bufferPlan: planBuffers(program, bankPlan, limits.chunkPositions),
    banks,
    ropes: await ropesOf(program, infos, source),
    chunkPositions: limits.chunkPositions,
  };
}

function infosOf(program: Program, source: WeightSource): Map<WeightName, WeightInfo> {
  const infos = new Map<WeightName, WeightInfo>();
  for (const name of program.ops.flatMap(weightNames)) {
    const info = source.info(name);
    if (info !== undefined) infos.set(name, info);
  }
  return infos;
}

function infoOf(infos: ReadonlyMap<WeightName, WeightInfo>, name: WeightName): WeightInfo {
  const info = infos.get(name);
  if (info === undefined) throw new RangeError(`weight ${name} was never listed`);
  return info;
}

function weightNames(op: Op): WeightName[] {
  if (op.op === 'rope') return ropeWeights(op.rope.scaling);
  return 'weight' in op ? [op.weight] : [];
}

function placedWeights(program: Program, { weightBanks }: BankPlan): { weight: ResidentWeight; bank: number }[] {
  const byKey = new Map<string, { weight: ResidentWeight; bank: number }>();
  for (const op of program.ops) {
    const weight = residentWeight(op);
    if (weight !== null) byKey.set(weight.key, { weight, bank: weightBanks.get(weight.key) ?? 0 });
  }
  return [...byKey.values()];
}

async function openBank(
  weights: readonly ResidentWeight[],
  infos: ReadonlyMap<WeightName, WeightInfo>,
  source: WeightSource,
  byteLimit: number,
): Promise<Bank> {
  const entries = weights.map((weight) => ({ weight, info: infoOf(infos, weight.name) }));
  const types = new Set<TensorTypeName>(entries.filter(({ weight }) => !weight.isVector).map(({ info }) => info.type));
  const bank = await Bank.open(byteLimit, types);
  for (const { weight, info } of entries) await bank.load(weight, info, source);
  return bank;
}

async function ropesOf(
  program: Program,
  infos: ReadonlyMap<WeightName, WeightInfo>,
  source: WeightSource,
): Promise<Map<string, LoadedRope>> {
  const ropes = new Map<string, LoadedRope>();
  for (const op of program.ops) {
    if (op.op !== 'rope' || ropes.has(ropeKey(op.rope))) continue;
    const factors = new Map<WeightName, Float32Array>();
    for (const name of ropeWeights(op.rope.scaling)) factors.set(name, await readFloats(infoOf(infos, name), source));
    ropes.set(ropeKey(op.rope), { rope: op.rope, factors });
  }
  return ropes;
}
