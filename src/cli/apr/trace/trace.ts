// `apr trace MODEL [PROMPT]`: what a forward pass computes, stage by stage. Without anything to run it lists the
// program; with --payload it runs the production executor and prints statistics of every stage; with --save-tensor it
// writes them. Options and their rules are here; the run is in run.ts.
import type { Command } from 'commander';
import { RefuteError } from '../../../errors.ts';
import { createProgram } from '../../program.ts';
import { addEngineOptions } from '../engine-option.ts';
import { addPromptOptions } from '../prompt.ts';
import type { TraceOptions } from './selection.ts';

const EXAMPLES = `
Without a prompt the stages, their shapes, ops and weights are listed and nothing is run. A prompt, --tokens or
--payload runs the model once; the stages come out of the very run that apr run would make.

  --layers 0,1,13..15           both ends of a range belong to it
  --save-tensor-layers 0..4     the same choice the old way: the end does not belong to it
  Whole-model stages (final_norm, lm_head) are not bound to a layer.

Files: DIR/layer-<N>/<stage>.bin and DIR/<stage>.bin (12 bytes of header, then float32), DIR/manifest.json.

Examples:
  $ apr trace model.gguf
  $ apr trace model.gguf "What is 2+2?" --payload
  $ apr trace model.gguf --tokens 1,5,9 --payload --layers 0,1 --json
  $ apr trace model.gguf --tokens 1,5,9 --save-tensor all --save-tensor-dir before-trace
  $ apr diff before-trace after-trace`;

export function traceCommand(): Command {
  const command = createProgram('trace', 'Lists or runs the stages of a model: statistics, or every value to files');
  const model = command.argument('<model>', 'a GGUF file, or a folder with safetensors and config.json');
  return addEngineOptions(addPromptOptions(model))
    .option('--payload', 'run, and show statistics of every stage')
    .option('--save-tensor <names>', 'run, and write these stages or values: a list like attn_norm,q_matmul, or all')
    .option('--save-tensor-dir <dir>', 'where to write (default: <model name>-trace in the current folder)')
    .option('--layers <list>', 'only these layers, e.g. 0,1,13..15 (default: all)')
    .option('--layer <n>', 'only this layer')
    .option('--save-tensor-layers <start..end>', 'only these layers, end excluded')
    .option('--positions <which>', 'all, or last for the last position only', 'all')
    .option('--json', 'print JSON only')
    .addHelpText('after', EXAMPLES)
    .action(trace);
}

async function trace(path: string, prompt: string | undefined, options: TraceOptions): Promise<void> {
  assertFlagsFit(options);
  const isRun = options.payload === true || options.saveTensor !== undefined || hasPrompt(prompt, options);
  const forRuns = isRun ? [] : flagsOfRuns(options);
  if (forRuns.length > 0) {
    throw flagError(forRuns.join(', '), 'nothing is run', 'it goes with --payload, --save-tensor or a prompt');
  }
  if (isRun) await (await import('./run.ts')).traceRun(path, prompt, options);
  else await (await import('./program.ts')).traceProgram(path, options);
}

function hasPrompt(prompt: string | undefined, options: TraceOptions): boolean {
  return prompt !== undefined || options.prompt !== undefined || options.tokens !== undefined;
}

/** Flags that say how a run is made or shown. */
function flagsOfRuns(options: TraceOptions): string[] {
  const { engine, gpu, flashAttention, threads, kvType, system, raw, positions } = options;
  const given = {
    '--engine': engine !== undefined,
    '--no-gpu': !gpu,
    '--flash-attention': flashAttention !== undefined,
    '--threads': threads !== undefined,
    '--kv-type': kvType !== undefined,
    '--system': system !== undefined,
    '--raw': raw === true,
    '--positions': positions !== 'all',
  };
  return Object.entries(given).flatMap(([flag, isGiven]) => (isGiven ? [flag] : []));
}

/** Flags that contradict each other, or that would silently do nothing. */
function assertFlagsFit(options: TraceOptions): void {
  const given = [
    options.layers === undefined ? [] : ['--layers'],
    options.layer === undefined ? [] : ['--layer'],
    options.saveTensorLayers === undefined ? [] : ['--save-tensor-layers'],
  ].flat();
  if (given.length > 1)
    throw flagError(given.join(', '), 'they choose layers in different ways', 'one of them is enough');
  if (options.saveTensorDir !== undefined && options.saveTensor === undefined) {
    throw flagError('--save-tensor-dir', 'nothing is saved', 'it goes with --save-tensor, e.g. --save-tensor all');
  }
}

function flagError(place: string, is: string, allowed: string): RefuteError {
  return new RefuteError({ code: 'E_TRACE_FLAGS', place, is, allowed });
}
