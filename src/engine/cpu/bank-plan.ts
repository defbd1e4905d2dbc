// Which memory each op runs in. wasm32 addresses 4 GiB, so a model is spread over banks: all of a layer (weights,
// key-value cache, scratch) in one, embedding and head wherever they fit. Pure arithmetic; nothing is allocated here.
import { RefuteError } from '../../errors.ts';
import { elementCountOf } from '../formats/tensor-types.ts';
import { alignedByteLength } from './kernels/kernel-memory.ts';
import type { WeightInfo } from '../program/executor.ts';
import { operands, type AttentionOp, type Op, type Program, type WeightName } from '../program/program.ts';

export interface BankPlan {
  bankCount: number;
  /** Bank of each op, in program order. */
  opBanks: readonly number[];
  /** By `ResidentWeight.key`. Each weight lives once, in the bank of its first op; later readers run there too. */
  weightBanks: ReadonlyMap<string, number>;
}

export interface BankLimits {
  bankByteLimit: number;
  chunkPositions: number;
}

/** A weight as an op wants it in its bank: matrices as stored, vectors (gains, biases) decoded to f32. */
export interface ResidentWeight {
  /** Tells apart the forms of one weight. */
  key: string;
  name: WeightName;
  isVector: boolean;
  /** Added to every element of a vector, with one rounding. */
  offset: number;
}

/** The weight that an op reads in its own bank; the factors of a rope become a table outside of the banks. */
export function residentWeight(op: Op): ResidentWeight | null {
  if (!('weight' in op)) return null;
  const isVector = op.op === 'rmsnorm' || op.op === 'addBias';
  const offset = op.op === 'rmsnorm' ? (op.gainOffset ?? 0) : 0;
  return { key: `${isVector ? `vector+${offset}` : 'matrix'} ${op.weight}`, name: op.weight, isVector, offset };
}

export function residentByteLength({ isVector }: ResidentWeight, info: WeightInfo): number {
  return isVector ? 4 * elementCountOf(info.shape) : info.byteLength;
}

/** Bytes of the keys, or of the values, of one attention op. */
export function cacheByteLength(op: AttentionOp, contextLength: number): number {
  return op.kvHeadCount * contextLength * op.headDim * 4;
}

/** Fills banks in program order. Each is to hold one session at the program's full context length if it can. */
export function planBanks(program: Program, infos: ReadonlyMap<WeightName, WeightInfo>, limits: BankLimits): BankPlan {
  const weightBanks = new Map<string, number>();
  const opBanks: number[] = [];
  let bank = 0;
  let usedBytes = 0;
  let scratchBytes = 0;
  for (const unit of unitsOf(program)) {
    const needed = unitBytes(unit, program, infos, weightBanks, limits.chunkPositions);
    const fits = (used: number, scratch: number): boolean =>
      used + needed.fixed + needed.cache + Math.max(scratch, needed.scratch) <= limits.bankByteLimit;
    if (!fits(usedBytes, scratchBytes) && usedBytes > 0) {
      bank += 1;
      usedBytes = 0;
      scratchBytes = 0;
    }
    if (needed.fixed > limits.bankByteLimit) throw tooLarge(unit, needed.fixed, limits.bankByteLimit);
    usedBytes += needed.fixed + needed.cache;
    scratchBytes = Math.max(scratchBytes, needed.scratch);
    for (const op of unit) {
      const weight = residentWeight(op);
      if (weight !== null && !weightBanks.has(weight.key)) weightBanks.set(weight.key, bank);
      opBanks.push((weight === null ? undefined : weightBanks.get(weight.key)) ?? bank);
    }
  }
  return { bankCount: bank + 1, opBanks, weightBanks };
}

/** Neighbouring ops of one layer; an op outside of the layers is a unit of its own. */
function unitsOf(program: Program): Op[][] {
  const layers = new Map(program.values.map((value) => [value.id, value.layer]));
  const units: Op[][] = [];
  let present: number | null = null;
  for (const op of program.ops) {
    const layer = layers.get(op.out) ?? null;
    const last = units.at(-1);
    if (last !== undefined && layer !== null && layer === present) last.push(op);
    else units.push([op]);
    present = layer;
  }
  return units;
}

function unitBytes(
  unit: readonly Op[],
  program: Program,
  infos: ReadonlyMap<WeightName, WeightInfo>,
  placed: ReadonlyMap<string, number>,
  chunkPositions: number,
): { fixed: number; cache: number; scratch: number } {
  const channels = new Map(program.values.map((value) => [value.id, value.channelCount]));
  const fresh = new Map<string, ResidentWeight>();
  let [cache, scratch] = [0, 65_536 + 4 * program.contextLength];
  for (const op of unit) {
    const weight = residentWeight(op);
    if (weight !== null && !placed.has(weight.key)) fresh.set(weight.key, weight);
    if (op.op === 'attention') cache += 2 * alignedByteLength(cacheByteLength(op, program.contextLength));
    const { reads, writes } = operands(op);
    for (const id of [...reads, writes]) scratch += alignedByteLength(4 * chunkPositions * (channels.get(id) ?? 0));
  }
  let fixed = 0;
  for (const weight of fresh.values()) {
    const info = infos.get(weight.name);
    if (info !== undefined) fixed += alignedByteLength(residentByteLength(weight, info));
  }
  return { fixed, cache, scratch };
}

function tooLarge(unit: readonly Op[], byteLength: number, limit: number): RefuteError {
  const first = unit[0];
  const place = first === undefined ? 'the program' : `the weights around ${first.out}`;
  const is = `they have ${byteLength} bytes`;
  return new RefuteError({ code: 'E_BANK_TOO_SMALL', place, is, allowed: `one memory holds ${limit}` });
}
