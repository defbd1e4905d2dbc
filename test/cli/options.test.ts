// Options of both programs, all by one rule: decimal numbers only, each value option once and with its value, nothing
// that is given and does nothing. A refusal is E_OPTION or E_USAGE, names the option, and exits 3 before a model opens.
import { readFileSync } from 'node:fs';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { ToyProject } from '../runner/toys/toy-project.ts';
import { apr, LAUNCHER, type Json, type Said } from './apr-process.ts';

/** Not there: an option is refused before a model is opened. */
const MODEL = 'no-such-model.gguf';

const RUN = ['run', MODEL, 'hi'];
const PARITY = ['parity', MODEL, '--http', 'http://127.0.0.1:1/v1', '--model-name', 'm'];

const WHOLE: readonly (readonly [option: string, command: readonly string[]])[] = [
  ['--max-tokens', RUN],
  ['--top-k', RUN],
  ['--seed', RUN],
  ['--repeat-last-n', RUN],
  ['--trace-steps', [...RUN, '--trace']],
  ['--threads', [...RUN, '--engine', 'llama.cpp']],
  ['--top-k', PARITY],
  ['--time-limit', PARITY],
  ['--limit', ['diff', MODEL, MODEL]],
  ['--limit', ['tensors', MODEL]],
  ['--max-problems', ['pv', 'validate']],
  ['--repeat', ['pv', 'falsify', 'X']],
  ['--seed', ['pv', 'falsify', 'X']],
  ['--time-limit', ['pv', 'falsify', 'X']],
  ['--seed', ['pv', 'replay', 'X']],
  ['--time-limit', ['pv', 'replay', 'X']],
];
const DECIMAL: typeof WHOLE = [
  ['--temperature', RUN],
  ['--top-p', RUN],
  ['--repeat-penalty', RUN],
];
/** One of each kind; test/decimal.test.ts has the rule itself. */
const NOT_WHOLE = ['0x10', '', '1e3', '٥', '-1', '9007199254740993'];
const NOT_DECIMAL = ['0x10', '', '1e999', '1e-400', ' 5 ', '1_000', 'nan'];

/** `apr`, or `pv` where the first argument says so. */
async function say(argv: readonly string[]): Promise<Said> {
  if (argv[0] !== 'pv') return apr(argv);
  const launcher = LAUNCHER.replace(/apr\.js$/, 'pv.js');
  const { exitCode, stdout, stderr } = await execa(process.execPath, [launcher, ...argv.slice(1)], { reject: false });
  return { exitCode, stdout, stderr };
}

async function refusal(argv: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await say(argv);
  expect({ argv, exitCode, stdout, lines: stderr.split('\n').length }).toEqual({
    argv,
    exitCode: 3,
    stdout: '',
    lines: 1,
  });
  return stderr;
}

describe('numbers', () => {
  test.each(WHOLE)('%s takes digits only: %j', async (option, command) => {
    for (const text of NOT_WHOLE) expect(await refusal([...command, `${option}=${text}`])).toMatch(numberError(option));
  });

  test.each(DECIMAL)('%s takes a finite decimal number only: %j', async (option, command) => {
    for (const text of NOT_DECIMAL) {
      expect(await refusal([...command, `${option}=${text}`])).toMatch(numberError(option));
    }
  });

  test('a number that fits passes on: the model is what is missing then', async () => {
    for (const argv of [
      ['--temperature', '.7'],
      ['--temperature', '1e-3'],
      ['--max-tokens', '16'],
      ['--seed', '007'],
    ]) {
      expect(await refusal([...RUN, ...argv])).toMatch(/^error E_FILE_MISSING /);
    }
  });

  test('limits that a timer or llama.cpp could not hold are out of range', async () => {
    const late = await refusal([...PARITY, '--time-limit', '2147484']);
    expect(late).toContain('E_OPTION --time-limit: "2147484" is not a whole number from 1 to 2147483');
    const many = await refusal([...RUN, '--engine', 'llama.cpp', '--threads', '513']);
    expect(many).toContain('E_OPTION --threads: "513" is not a whole number from 1 to 512');
  });
});

function numberError(option: string): RegExp {
  return new RegExp(
    `^error E_OPTION ${option}: (".*" is not a (whole|decimal) number|its value is empty; a value)`,
    's',
  );
}

const REFUSED: readonly (readonly [what: string, argv: readonly string[], says: string])[] = [
  [
    'an option in the place of a value',
    [...RUN, '--max-tokens', '--json'],
    'E_OPTION --max-tokens: its value is missing',
  ],
  ['an option in the place of a text', ['run', MODEL, '--prompt', '--json'], 'Write --prompt=--json if'],
  ['a short option in its place', ['run', MODEL, '--prompt', '-n'], 'E_OPTION --prompt: its value is missing'],
  ['the last word', [...RUN, '--seed'], "E_USAGE command line: option '--seed <n>' argument missing"],
  ['an empty value', ['tensors', MODEL, '--filter='], 'E_OPTION --filter: its value is empty'],
  ['a value twice', [...RUN, '--seed', '1', '--seed', '2'], 'E_OPTION --seed: it is given more than once'],
  ['a value twice, in two spellings', [...RUN, '-n', '1', '--max-tokens=1'], 'E_OPTION --max-tokens: it is given more'],
  ['a slip', [...RUN, '--max-tokns', '1'], "unknown option '--max-tokns'. Did you mean --max-tokens?"],
  ['a text that looks like an option', ['run', MODEL, '-5 + 3'], 'Write -- before a text that begins with -'],
  ['a slip in a command', ['rnu', MODEL], "unknown command 'rnu'. Did you mean run?"],
  ['a word too many', [...RUN, 'there'], 'too many arguments'],
  ['no model', ['run'], "missing required argument 'model'"],
  ['not one of the choices', [...RUN, '--kv-type', 'f8'], 'E_OPTION --kv-type: "f8"; allowed choices are f32'],
  ['an engine for nothing', ['trace', MODEL, '--no-gpu'], 'E_TRACE_FLAGS --no-gpu: nothing is run'],
  ['threads for nothing', ['trace', MODEL, '--threads', '2'], 'E_TRACE_FLAGS --threads: nothing is run'],
  ['positions of nothing', ['trace', MODEL, '--positions', 'last'], 'E_TRACE_FLAGS --positions: nothing is run'],
  ['an engine beside a dump', ['check', MODEL, '--dump', 'd', '--no-gpu'], 'E_USAGE --no-gpu: there is a --dump'],
  ['a template beside a dump', ['check', MODEL, '--dump', 'd', '--raw'], 'E_USAGE --raw: there is a --dump'],
  ['alternatives of a pack', ['parity', MODEL, '--pack', 'p', '--top-k', '3'], 'E_USAGE --top-k: there is no --http'],
  ['a limit of a pack', ['parity', MODEL, '--pack', 'p', '--time-limit', '3'], 'E_USAGE --time-limit: there is no'],
  ['a prompt beside a pack', ['parity', MODEL, '--pack', 'p', '--raw'], 'E_USAGE --pack: a prompt is given'],
  ['claims beside all', ['pv', 'falsify', '--all', 'X'], 'E_USAGE pv falsify: claims are named beside --all'],
  ['a dry confirmation', ['pv', 'falsify', 'X', '--confirm', '--dry-run'], 'E_USAGE pv falsify --confirm'],
  ['two formats', ['pv', 'validate', '--json', '--format', 'plain'], 'E_USAGE --json: --format plain is given too'],
  ['a page of JSON', ['pv', 'validate', '--json', '--max-problems', '1'], 'E_USAGE --max-problems: JSON is asked for'],
  ['a root beside paths', ['pv', 'validate', '--root', '.', 'contracts'], 'E_USAGE --root: paths are named too'],
];

test.each(REFUSED)('refused: %s', async (_, argv, says) => {
  expect(await refusal(argv)).toContain(says);
});

test('options that change nothing beside greedy choice are noted', async () => {
  const model = new URL('../../models/sums-2m/sums-2m.q4_k_m.gguf', import.meta.url).pathname;
  const argv = ['run', model, 'hi', '-n', '1'];
  const { stderr } = await apr([...argv, '--seed', '7', '--top-k', '3', '--repeat-last-n', '2']);
  expect(stderr).toContain('the most likely token is taken: --top-k, --seed change nothing');
  expect(stderr).toContain('--repeat-last-n changes nothing');
  expect((await apr([...argv, '--seed', '7', '--temperature', '1'])).stderr).not.toContain('nothing');
});

test('a clock that is no number of seconds is refused before anything runs', async () => {
  const project = new ToyProject();
  const before = project.snapshot();
  const said = await project.pv(['falsify', '--all'], { env: { SOURCE_DATE_EPOCH: '0x10' } });
  expect(said).toMatchObject({ exitCode: 3, stdout: '' });
  expect(said.stderr).toContain('E_OPTION SOURCE_DATE_EPOCH: "0x10"');
  expect(project.snapshot()).toEqual(before);
  project.close();
});

test('--version says which program, which release and which Node', async () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as Json;
  for (const program of ['apr', 'pv']) {
    const own = program === 'pv' ? ['pv'] : [];
    const { exitCode, stdout, stderr } = await say([...own, '--version']);
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 0,
      stdout: `${program} ${String(version)} (refute), Node ${process.versions.node}`,
      stderr: '',
    });
    expect((await say([...own, '--help'])).stdout).toContain('--version');
  }
});
