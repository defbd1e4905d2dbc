// The three ways a fault gets at a model: rewriting ops of the program, and wrapping the source of its weights. Pure
// plumbing; which op or tensor is wrong, and how, stands with each fault.
import type { Op, Program } from '../../engine/program/program.ts';
import type { WeightInfo, WeightSource } from '../../engine/program/executor.ts';

/** The layers that a fault sits in. `one`: the second layer where there is one, so that layer 0 stays healthy. */
export type Site = 'all' | 'one' | 'first';

export function isAtSite(site: Site, layer: number | null, layerCount: number): boolean {
  if (site === 'all') return true;
  return layer === (site === 'first' ? 0 : Math.min(1, layerCount - 1));
}

/** A program whose ops at the site are rewritten; `rewrite` answers the op itself where it is not its kind. */
export function rewriteOps(program: Program, site: Site, rewrite: (op: Op) => Op): Program {
  const layerOf = new Map(program.values.map((value) => [value.id, value.layer]));
  const replaced = new Map<Op, Op>();
  const ops = program.ops.map((op) => {
    const changed = isAtSite(site, layerOf.get(op.out) ?? null, program.layerCount) ? rewrite(op) : op;
    replaced.set(op, changed);
    return changed;
  });
  // Stages that are derived from an attention op hold that op; they must follow it.
  const stages = program.stages.map((stage) => {
    if (stage.source.from !== 'scores' && stage.source.from !== 'softmax') return stage;
    const attention = replaced.get(stage.source.attention);
    return attention?.op === 'attention' ? { ...stage, source: { ...stage.source, attention } } : stage;
  });
  return { ...program, ops, stages };
}

/** Layer of a weight by its GGUF name, or null for one of the whole model. */
export function layerOfWeight(name: string): number | null {
  const layer = /^blk\.(\d+)\./.exec(name)?.[1];
  return layer === undefined ? null : Number(layer);
}

/**
 * Weights in which some tensors hold other bytes. `corrupt` gets a private copy of the whole tensor and changes it in
 * place; tensors that `isWrong` leaves alone are read as before.
 */
export function corruptTensors(
  weights: WeightSource,
  isWrong: (name: string) => boolean,
  corrupt: (bytes: Uint8Array, info: WeightInfo) => void | Promise<void>,
): WeightSource {
  const corrupted = new Map<string, Promise<Uint8Array>>();
  const whole = async (info: WeightInfo): Promise<Uint8Array> => {
    const bytes = new Uint8Array(info.byteLength);
    await weights.read(info.name, 0, bytes);
    await corrupt(bytes, info);
    return bytes;
  };
  return {
    info: (name) => weights.info(name),
    async read(name, byteOffset, into) {
      const info = weights.info(name);
      if (info === undefined || !isWrong(name)) return weights.read(name, byteOffset, into);
      const pending = corrupted.get(name) ?? whole(info);
      corrupted.set(name, pending);
      into.set((await pending).subarray(byteOffset, byteOffset + into.byteLength));
    },
  };
}

/** Weights that are read under another name; names must keep their shape. */
export function renameTensors(weights: WeightSource, rename: (name: string) => string): WeightSource {
  return {
    info(name) {
      const info = weights.info(rename(name));
      return info === undefined ? undefined : { ...info, name };
    },
    read: (name, byteOffset, into) => weights.read(rename(name), byteOffset, into),
  };
}
