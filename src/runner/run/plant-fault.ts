// Makes a planted fault ready: reads the product file, sees that the text to be replaced stands there exactly once,
// compiles a changed kernel, and writes the plan that `fault-preload.ts` follows. Product files are never touched.
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { RefuteError } from '../../errors.ts';
import { ClosureScanner, kernelSourceOf, type AssetReference } from '../sources/closure.ts';
import { EXECUTORS_MODULE, OPEN_MODEL_MODULE } from '../sources/entries.ts';
import { FAULT_VARIABLE, type FaultPlan } from './fault-plan.ts';
import { compileKernel } from '../sources/kernel-compiler.ts';
import { packageModule } from '../sources/module-file.ts';
import { SHADER_EXTENSION } from '../sources/shader-includes.ts';
import type { FalsifierAddress, FaultDescription } from './protocol.ts';
import { withPreload } from './shader-log.ts';

export interface PlantedPlan {
  /** To be added to the environment of the child that runs the part. */
  env: Record<string, string>;
  /** What really took place so far; empty: the faulty code was never loaded. */
  appliedCount(): number;
}

/** @param folder an empty folder of the caller's, for changed kernels and the plan */
export async function plantFault(
  fault: FaultDescription,
  address: FalsifierAddress,
  root: string,
  folder: string,
): Promise<PlantedPlan> {
  const log = join(folder, 'applied.log');
  writeFileSync(log, '');
  const plan: FaultPlan = { patches: [], model: null, log };
  if (fault.inject.kind === 'source') {
    plan.patches = await sourcePatches(fault.inject, address, root, folder);
  } else {
    if (!existsSync(OPEN_MODEL_MODULE)) throw refusal(OPEN_MODEL_MODULE, 'the engine has no such module');
    plan.model = {
      openModelUrl: pathToFileURL(OPEN_MODEL_MODULE).href,
      falsifierUrl: pathToFileURL(address.module).href,
      claim: address.claim,
      fault: fault.id,
    };
  }
  const planFile = join(folder, 'plan.json');
  writeFileSync(planFile, JSON.stringify(plan));
  return {
    env: { ...withPreload(new URL('./fault-preload.ts', import.meta.url)), [FAULT_VARIABLE]: planFile },
    appliedCount: () => readFileSync(log, 'utf8').split('\n').length - 1,
  };
}

type SourceInjection = Extract<FaultDescription['inject'], { kind: 'source' }>;

async function sourcePatches(
  inject: SourceInjection,
  address: FalsifierAddress,
  root: string,
  folder: string,
): Promise<FaultPlan['patches']> {
  const path = resolve(root, inject.file);
  const changed = replaceOnce(path, inject);
  if ((!path.endsWith('.as.ts') && path.endsWith('.ts')) || path.endsWith(SHADER_EXTENSION)) {
    return [{ url: pathToFileURL(path).href, find: inject.find, replace: inject.replace }];
  }
  // A file that is read, not imported: the module that names it is sent to a changed copy instead.
  const programs = ['src/cli/apr.ts', 'src/cli/pv.ts'].map(packageModule);
  const entries = [address.module, ...programs, OPEN_MODEL_MODULE, EXECUTORS_MODULE];
  const scanner = new ClosureScanner();
  const { assets } = await scanner.closureOf(entries.filter((entry) => existsSync(entry)));
  const patches: FaultPlan['patches'] = [];
  for (const reference of assets) {
    const copy = await changedAsset(reference, path, changed, scanner, folder);
    if (copy !== null) patches.push(redirect(reference, copy));
  }
  if (patches.length === 0) throw refusal(inject.file, 'no module in reach of the falsifier uses it');
  return patches;
}

/** The copy that takes the asset's place; null when the changed file has no part in it. */
async function changedAsset(
  { asset }: AssetReference,
  path: string,
  changed: string,
  scanner: ClosureScanner,
  folder: string,
): Promise<string | null> {
  const kernel = kernelSourceOf(asset);
  if (kernel === null) {
    if (asset !== path) return null;
    const copy = join(folder, basename(asset));
    writeFileSync(copy, changed);
    return copy;
  }
  const sources = (await scanner.closureOf([kernel])).files;
  if (!sources.has(path)) return null;
  const output = join(folder, basename(asset));
  if (existsSync(output)) return output;
  // The whole kernel folder is copied, because a kernel imports its neighbours.
  const home = dirname(kernel);
  const copyHome = join(folder, 'kernels');
  mkdirSync(copyHome, { recursive: true });
  cpSync(home, copyHome, { recursive: true, filter: (file) => !file.endsWith('.wasm') });
  writeFileSync(join(copyHome, relative(home, path)), changed);
  await compileKernel(copyHome, basename(kernel), output);
  return output;
}

function redirect({ module, name }: AssetReference, copy: string): FaultPlan['patches'][number] {
  const source = readFileSync(module, 'utf8');
  const literal = [`'${name}'`, `"${name}"`].find((quoted) => source.split(quoted).length === 2);
  if (literal === undefined) throw refusal(module, `'${name}' does not stand there exactly once`);
  return { url: pathToFileURL(module).href, find: literal, replace: JSON.stringify(pathToFileURL(copy).href) };
}

function replaceOnce(path: string, { file, find, replace }: SourceInjection): string {
  if (!existsSync(path)) throw refusal(file, 'there is no such file');
  const source = readFileSync(path, 'utf8');
  const count = find === '' ? 0 : source.split(find).length - 1;
  if (count !== 1) throw refusal(file, `the text to be replaced occurs ${count} times: ${JSON.stringify(find)}`);
  if (find === replace) throw refusal(file, 'the fault replaces a text by itself');
  return source.replace(find, () => replace);
}

function refusal(place: string, is: string): RefuteError {
  return new RefuteError({ code: 'E_FAULT_PLANT', place, is, allowed: 'the fault must change exactly one place' });
}
