// `apr check MODEL [PROMPT]`: is the engine right? Judges every op of every layer in float64 on the engine's own
// inputs. With --dump the engine is somebody else's. Options and their rules are here; the work is in run.ts and
// check-dump.ts, what it looks like in text.ts and svg.ts.
import type { Command } from 'commander';
import { RefuteError } from '../../../errors.ts';
import { collect } from '../../options.ts';
import { createProgram } from '../../program.ts';
import { addEngineOptions } from '../engine-option.ts';
import type { CheckFlags } from './run.ts';
import { addPromptOptions } from '../prompt.ts';

const EXAMPLES = `
Every op is evaluated in double precision on the values that the engine itself put in, so nothing accumulates and the
first op over its budget is the faulty one. Verdicts: PASS, BUG (over a proven bound, exit 1), SUSPECT and INCONCLUSIVE
(exit 2). A program that no reference pack vouches for is UNVERIFIED and never PASS: packs are taken from --pack, or
from the folder packs/ beside the model.

  rho        largest |error| over its expected budget; above 1 is suspicious
  proven     the same over the proven bound; above 1 is a bug
  shares     of the distance from the original weights (--original): weight quantisation, declared formats, the rest

Examples:
  $ apr check models/sums-2m/sums-2m.f16.gguf
  $ apr check models/sums-2m/sums-2m.q4_k_m.gguf "What is 12+34?" --original models/sums-2m/sums-2m.f16.gguf
  $ apr check model.gguf --tokens 1,5,9 --svg strip.svg --json
  $ apr check models/sums-2m/sums-2m.q4_k_m.gguf --engine llama.cpp
  $ apr check model.gguf --dump their-capture
  $ apr check model.gguf --dump theirs.safetensors --map hf --map their-names.yaml
  $ apr check model.gguf --dump theirs.safetensors --formats pytorch-bf16
  $ apr check models/tiny/llama/hf --tokens 3,17,17 --pack models/tiny/llama/packs/stages.safetensors

The formats of another engine (8-bit activations, a float16 cache, tables) are inferred op by op, the narrowest first,
unless the dump or --formats declares them; the report says in its first lines which explain the engine.

A dump or pack is a folder that apr trace --save-tensor wrote, a safetensors file, or a folder of .npy files.

Without a prompt, "What is 2+2?" is run.`;

export function checkCommand(): Command {
  const command = createProgram(
    'check',
    'Judges every op of a model by itself, and says whether a difference is a bug',
  );
  const model = command.argument('<model>', 'a GGUF file, or a folder with safetensors and config.json');
  return addEngineOptions(addPromptOptions(model))
    .option('--original <file>', 'the model before quantisation: splits the difference into its causes')
    .option(
      '--pack <path>',
      'a reference pack that vouches for the program (docs/reference-packs.md), or a folder of them; may be repeated',
      collect,
    )
    .option('--dump <path>', 'judge this recording of another engine instead of running one')
    .option(
      '--map <name>',
      'what the names in the dump are: hf, vllm, llama.cpp or a YAML file (docs/dumps.md); may be repeated, the last counts',
      collect,
    )
    .option(
      '--formats <name>',
      'what the engine rounds to: float32, pytorch-bf16, pytorch-f16, llama.cpp, or a YAML file (default: as declared, or inferred)',
    )
    .option('--svg <file>', 'write a strip along depth')
    .option('--all', 'show every op, not one row per layer')
    .option('--no-free-run', 'local check only: no cosine, NMSE or shares')
    .option('--json', 'print JSON only')
    .addHelpText('after', EXAMPLES)
    .action(async (path: string, prompt: string | undefined, flags: CheckFlags) => {
      assertFlagsFit(prompt, flags);
      const { runCheck } = await import('./run.ts');
      process.exitCode = await runCheck(path, prompt, flags);
    });
}

function assertFlagsFit(prompt: string | undefined, flags: CheckFlags): void {
  if (flags.map !== undefined && flags.dump === undefined) {
    throw new RefuteError({ code: 'E_USAGE', place: '--map', is: 'there is no dump', allowed: 'it goes with --dump' });
  }
  if (flags.dump === undefined) return;
  if (prompt !== undefined || flags.prompt !== undefined) {
    const is = 'a prompt is given';
    throw new RefuteError({ code: 'E_USAGE', place: '--dump', is, allowed: 'the tokens are those of the dump' });
  }
  if (flags.system !== undefined || flags.raw === true) {
    const place = flags.raw === true ? '--raw' : '--system';
    const allowed = 'the tokens are those of the dump';
    throw new RefuteError({ code: 'E_USAGE', place, is: 'there is a --dump', allowed });
  }
  if (flags.engine !== undefined || !flags.gpu) {
    const place = flags.gpu ? '--engine' : '--no-gpu';
    const allowed = 'another engine has computed the dump';
    throw new RefuteError({ code: 'E_USAGE', place, is: 'there is a --dump', allowed });
  }
}
