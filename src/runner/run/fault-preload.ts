// Loaded by `--import` (NODE_OPTIONS) into every process of a fault run, workers and programs included, before any
// product module: it plants the fault while the product is being loaded. Never part of a normal run.
import { appendFileSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';
import { FAULT_VARIABLE, type FaultPlan } from './fault-plan.ts';
import { interceptShaders } from './shader-reads.ts';

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
      const loaded = nextLoad(url, context);
      const source = patched(plan, url, () => textOf(loaded.source));
      return source === null ? loaded : { ...loaded, source };
    },
  });
  interceptShaders((path, text) => patched(plan, pathToFileURL(path).href, () => text) ?? text);
}

/** The changed text, which is written down; null for a file that the plan leaves alone. */
function patched({ patches, log }: FaultPlan, url: string, text: () => string): string | null {
  const own = patches.filter((patch) => patch.url === url);
  if (own.length === 0) return null;
  appendFileSync(log, `${url}\n`);
  return own.reduce((source, { find, replace }) => source.replace(find, () => replace), text());
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
