// `apr parity MODEL [PROMPT]`: our engine against one outside engine on the same token ids, position by position; with
// --engine webgpu and no outside engine, WebGPU against the CPU. Options and their rules are here; the work is in run.ts and
// against-cpu.ts, what it looks like in text.ts and against-cpu-text.ts.
import type { Command } from 'commander';
import { MAX_SECONDS, wholeOption } from '../../options.ts';
import { createProgram } from '../../program.ts';
import { addEngineOptions } from '../engine-option.ts';
import type { ParityFlags } from './run.ts';
import { addPromptOptions, usage } from '../prompt.ts';

const EXAMPLES = `
Two engines may part by what they declare about their roundings, and by no more. How far that is, is measured: the model's
own bytes are run in double precision, exactly and with each side's declared roundings drawn at random. A position is
different where the two are more than twice as far apart as that explains, or choose different tokens across a float64
margin larger than the spread. Verdicts: PASS, DIFFERENT (exit 1), INCONCLUSIVE (exit 2).

  distance   KL of the two distributions over the whole vocabulary, in nats; with --http the largest |difference of
             log-probability| among the tokens that the endpoint names
  explained  the distance that the two profiles explain
  margin     where the two choose differently: how far apart float64 has the two tokens
  spread     how far the two profiles may move that margin

The outside engine is one of:
  --llama-cpp        llama.cpp, where node-llama-cpp is installed
  --http URL         an OpenAI-compatible endpoint (URL ends in /v1) that serves --model-name with log-probabilities
  --command ARGV     a program, as a JSON list of arguments, no shell. {model} and {tokens} (1,5,9) are filled in. It prints
                     {"logits": [[...], ...]}, a row after each token or after the last, or writes a capture into {out}
  --pack PATH        a recorded pack: a folder or a safetensors file (docs/reference-packs.md); its tokens are used

With --engine webgpu and none of these, WebGPU is held against the CPU: the same comparison at every position, of which
position 0 decides nothing, because its logits are nearly flat; then every op is judged by itself on the GPU's own inputs, as
apr check does. Verdicts as above, and BUG (exit 1) and SUSPECT (exit 2) of an op.

Examples:
  $ apr parity models/sums-2m/sums-2m.q4_k_m.gguf --engine webgpu --adapter swiftshader
  $ apr parity models/sums-2m/sums-2m.q4_k_m.gguf "What is 12+34?" --llama-cpp
  $ apr parity models/sums-2m/sums-2m.f16.gguf --pack models/sums-2m/packs/float64/raw-sum
  $ apr parity model.gguf --tokens 1,5,9 --http http://127.0.0.1:8080/v1 --model-name mine --profile llama.cpp
  $ apr parity model.gguf "Hello" --command '["python", "theirs.py", "{model}", "{tokens}"]' --json

Without a prompt, "What is 2+2?" is run.`;

export function parityCommand(): Command {
  const command = createProgram('parity', "Compares with another engine on the same tokens, against float64's margins");
  const model = command.argument('<model>', 'a GGUF file, or a folder with safetensors and config.json');
  return addEngineOptions(addPromptOptions(model))
    .option('--llama-cpp', 'against llama.cpp')
    .option('--http <url>', 'against an OpenAI-compatible endpoint')
    .option('--model-name <name>', 'what the endpoint calls the model')
    .option('--api-key-env <name>', 'environment variable that holds the API key of the endpoint')
    .addOption(
      wholeOption('--top-k <k>', 'tokens per position that the endpoint is asked for (default: 5)', { from: 1 }),
    )
    .option('--command <argv>', 'against a program: a JSON list of arguments')
    .option('--command-version <argv>', 'prints who the program is: a JSON list of arguments')
    .option('--pack <path>', 'against a recorded pack')
    .option('--profile <name>', 'roundings of the outside engine: float64, float32, float16, bfloat16, llama.cpp')
    .option('--subject <argv>', 'put this program in the place of our engine: a JSON list of arguments')
    .option('--subject-profile <name>', 'roundings of the subject (default: float32)')
    .addOption(
      wholeOption('--time-limit <seconds>', 'of one run of a program or one request (default: 600)', {
        from: 1,
        to: MAX_SECONDS,
      }),
    )
    .option('--all', 'show every position of a long prompt')
    .option('--json', 'print JSON only')
    .addHelpText('after', EXAMPLES)
    .action(async (path: string, prompt: string | undefined, flags: ParityFlags) => {
      const isAgainstCpu = flags.engine === 'webgpu' && outsideEngines(flags) === 0;
      assertFlagsFit(prompt, flags, isAgainstCpu);
      if (isAgainstCpu) {
        const { runAgainstCpu } = await import('./against-cpu.ts');
        process.exitCode = await runAgainstCpu(path, prompt, flags);
        return;
      }
      const { runParity } = await import('./run.ts');
      process.exitCode = await runParity(path, prompt, flags);
    });
}

function outsideEngines({ llamaCpp, http, command, pack }: ParityFlags): number {
  return [llamaCpp, http, command, pack].filter(isGiven).length;
}

function assertFlagsFit(prompt: string | undefined, flags: ParityFlags, isAgainstCpu: boolean): void {
  const { http, command, pack } = flags;
  const given = outsideEngines(flags);
  if (given !== 1 && !isAgainstCpu) {
    const is = given === 0 ? 'no outside engine is given' : `${given} outside engines are given`;
    throw usage('parity', is, 'one of --llama-cpp, --http, --command, --pack and --engine webgpu is needed');
  }
  const partners: [flag: string, value: unknown, partner: string, present: unknown][] = [
    ['--model-name', flags.modelName, '--http', http],
    ['--api-key-env', flags.apiKeyEnv, '--http', http],
    ['--top-k', flags.topK, '--http', http],
    ['--time-limit', flags.timeLimit, '--http, --command or --subject', http ?? command ?? flags.subject],
    ['--command-version', flags.commandVersion, '--command', command],
    ['--profile', flags.profile, 'outside engine', given === 0 ? undefined : given],
    ['--subject-profile', flags.subjectProfile, '--subject', flags.subject],
  ];
  for (const [flag, value, partner, present] of partners) {
    if (value !== undefined && present === undefined) throw usage(flag, `there is no ${partner}`, 'it goes with it');
  }
  if (flags.subject !== undefined && (flags.engine !== undefined || !flags.gpu)) {
    const flag = flags.gpu ? '--engine' : '--no-gpu';
    throw usage(flag, 'there is a --subject', 'the subject takes the place of our engine');
  }
  if (http !== undefined && flags.modelName === undefined) {
    throw usage('--http', 'there is no --model-name', 'an endpoint serves models by name');
  }
  if (pack !== undefined && [prompt, flags.prompt, flags.tokens, flags.system, flags.raw].some(isGiven)) {
    throw usage('--pack', 'a prompt is given', 'the tokens are those of the pack');
  }
}

function isGiven(value: unknown): boolean {
  return value !== undefined;
}
