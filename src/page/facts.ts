// What the page shows of an adapter, a file, a check: plain data out of the objects of the product.
import type { Model, ModelFile } from '../engine/index.ts';
import type { CheckReport } from '../diagnosis/index.ts';
import { findOwnAdapter } from '../gpu/own-device.ts';
import { nameOfAdapter } from '../gpu/device.ts';
import { LIMITS, type CheckFacts, type GpuFacts, type ModelFacts, type OpKind } from './messages.ts';

export async function gpuFacts(): Promise<GpuFacts | { absent: string }> {
  const adapter = await findOwnAdapter();
  if ('absent' in adapter) return adapter;
  const { info, limits, features } = adapter;
  const { subgroupMinSize: min, subgroupMaxSize: max } = info as Partial<GPUAdapterInfo>;
  return {
    name: nameOfAdapter(adapter),
    isSoftware: info.isFallbackAdapter,
    limits: Object.fromEntries(LIMITS.map((name) => [name, limits[name]])) as GpuFacts['limits'],
    subgroups: min === undefined || max === undefined || max === 0 ? null : { min, max },
    features: [...features].filter((name) => name === 'shader-f16' || name === 'subgroups').toSorted(),
  };
}

export function modelFacts({ path, format, byteLength, config, tensors, text }: Model): ModelFacts {
  const { architecture, layerCount, vocabSize, contextLength } = config;
  return {
    path,
    format,
    byteLength,
    architecture,
    tensorCount: tensors.length,
    config: { layerCount, vocabSize, contextLength, hasChatTemplate: text.hasChatTemplate },
  };
}

/** Of a file that was opened without its program. */
export function fileFacts({ path, formatText, byteLength, metadata, tensors }: ModelFile): ModelFacts {
  const architecture = metadata.get('general.architecture') ?? metadata.get('model_type');
  return {
    path,
    format: formatText,
    byteLength,
    architecture: typeof architecture === 'string' ? architecture : 'unknown',
    tensorCount: tensors.length,
    config: null,
  };
}

export function checkFacts(report: CheckReport): CheckFacts {
  const { verdict, sentence, coverage, verification, results } = report;
  const { status, says } = verification;
  const { judgedOps, opCount, elementCount } = coverage;
  const kinds = opKinds(results);
  const vouched = status === 'verified' ? `verified against ${says}` : `${status.toUpperCase()}: ${says}`;
  return { verdict, sentence, judgedOps, opCount, elementCount, verification: vouched, kinds };
}

/** In the order in which a model first has them. */
function opKinds(results: CheckReport['results']): OpKind[] {
  const kinds = new Map<string, OpKind>();
  for (const { op, value, rhoExpected, rhoProven, status } of results) {
    const kind = kinds.get(op) ?? { op, count: 0, rhoExpected: 0, rhoProven: 0, faultAt: null };
    kind.count += 1;
    kind.rhoExpected = larger(kind.rhoExpected, rhoExpected);
    kind.rhoProven = larger(kind.rhoProven, rhoProven);
    if (status !== 'healthy') kind.faultAt ??= value;
    kinds.set(op, kind);
  }
  return [...kinds.values()];
}

/** NaN, once seen, stays. */
function larger(a: number, b: number): number {
  return b <= a ? a : Number.isNaN(a) ? a : b;
}
