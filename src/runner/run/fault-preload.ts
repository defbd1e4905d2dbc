// Loaded by `--import` (NODE_OPTIONS) into every process of a fault run, workers and programs included, before any
// product module: it plants the fault while the product is being loaded. Never part of a normal run.
import { appendFileSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { FAULT_VARIABLE, type FaultPlan } from './fault-plan.ts';

const ORIGINAL = '?without-fault';
const planFile = process.env[FAULT_VARIABLE];
if (planFile !== undefined) plant(JSON.parse(readFileSync(planFile, 'utf8')) as FaultPlan);

function plant(plan: FaultPlan): void {
  const { model } = plan;
  Object.assign(globalThis, { [Symbol.for('refute.fault.planted')]: () => appendFileSync(plan.log, 'model\n') });
  registerHooks({
    load(url, context, nextLoad) {
      if (model !== null && url === model.openModelUrl) {
        return { format: 'module', shortCircuit: true, source: wrapperSource(model) };
      }
      const patches = plan.patches.filter((patch) => patch.url === url);
      const loaded = nextLoad(url, context);
      if (patches.length === 0) return loaded;
      const source = patches.reduce(
        (text, { find, replace }) => text.replace(find, () => replace),
        textOf(loaded.source),
      );
      appendFileSync(plan.log, `${url}\n`);
      return { ...loaded, source };
    },
  });
}

function textOf(source: string | ArrayBuffer | NodeJS.TypedArray | undefined): string {
  if (source === undefined) return '';
  if (typeof source === 'string') return source;
  return new TextDecoder().decode(source);
}

/** The module that stands in for the engine's: all its exports, with the fault's transform behind the caller's own. */
function wrapperSource(model: NonNullable<FaultPlan['model']>): string {
  const { openModelUrl, falsifierUrl, claim, fault } = model;
  return `
import { openModel as open, openModelFrom as openFrom, openModelSource as openSource } from ${JSON.stringify(openModelUrl + ORIGINAL)};
export * from ${JSON.stringify(openModelUrl + ORIGINAL)};
export async function openModel(path, options = {}) {
  return open(path, await withFault(options));
}
export async function openModelFrom(files, path, options = {}) {
  return openFrom(files, path, await withFault(options));
}
export async function openModelSource(source, options = {}) {
  return openSource(source, await withFault(options));
}
async function withFault(options) {
  const { falsifiers } = await import(${JSON.stringify(falsifierUrl)});
  const { inject } = falsifiers[${JSON.stringify(claim)}].faults.find((entry) => entry.id === ${JSON.stringify(fault)});
  globalThis[Symbol.for('refute.fault.planted')]();
  return { ...options, transform: chain(options.transform ?? {}, inject.transform) };
}
function chain(first, second) {
  const both = {};
  for (const key of ['config', 'program', 'weights', 'tokens']) {
    const steps = [first[key], second[key]].filter((step) => step !== undefined);
    if (steps.length > 0) both[key] = (value) => steps.reduce((result, step) => step(result), value);
  }
  return both;
}`;
}
