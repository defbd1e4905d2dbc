// Bad files at the real programs: one typed error on stderr, nothing on stdout, no stack, exit 3, and no file left
// behind. What each code means is tested where it is thrown; here, that every command gets there.
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { encodeGguf } from '../fixtures/gguf.ts';
import { tinyGguf, tinyImage } from '../fixtures/tiny-model.ts';
import { ToyProject } from '../runner/toys/toy-project.ts';
import { temporaryFolder } from '../fixtures/temporary-folder.ts';
import { apr } from './apr-process.ts';

const folder = await temporaryFolder();
const at = (name: string): string => join(folder, name);

const healthy = tinyGguf();
const { entries, tensors } = tinyImage();

function patched(write: (view: DataView) => void): Uint8Array {
  const bytes = healthy.slice();
  write(new DataView(bytes.buffer));
  return bytes;
}

/** Name, bytes (null: there is nothing of that name; a folder: none either), and the code that all commands give. */
const MODELS: readonly [string, Uint8Array | null, string][] = [
  ['cut-in-the-data', healthy.slice(0, -100), 'E_GGUF_TENSOR_PAST_END'],
  ['cut-in-the-header', healthy.slice(0, 1000), 'E_GGUF_ARRAY_PAST_END'],
  [
    'misaligned',
    encodeGguf({
      entries,
      tensors: tensors.map((tensor, i) => (i === 1 ? { ...tensor, byteOffset: 36_866 } : tensor)),
    }),
    'E_GGUF_TENSOR_ALIGNMENT',
  ],
  ['oversized-count', patched((view) => view.setBigUint64(8, 2n ** 63n, true)), 'E_GGUF_TENSOR_COUNT'],
  ['bad-magic', patched((view) => view.setUint8(0, 0x58)), 'E_FORMAT'],
  [
    'duplicate-tensor',
    encodeGguf({ entries, tensors: [...tensors, ...tensors.slice(0, 1)] }),
    'E_GGUF_DUPLICATE_TENSOR',
  ],
  ['empty', new Uint8Array(), 'E_FORMAT'],
  ['missing', null, 'E_FILE_MISSING'],
  ['folder', null, 'E_FOLDER_NO_MODEL'],
];

/** How each command is given a model; it writes, if it writes, into the working folder. */
const COMMANDS: readonly ((model: string) => string[])[] = [
  (model) => ['inspect', model],
  (model) => ['tensors', model, '--stats'],
  (model) => ['run', model, '--tokens', '1,5'],
  (model) => ['trace', model, '--tokens', '1,5', '--save-tensor', 'all'],
  (model) => ['tokenize', model, 'a'],
  (model) => ['parity', model, '--tokens', '1,5', '--command', '["node", "--version"]'],
  (model) => ['diff', model, at('healthy.gguf')],
  (model) => ['diff', at('healthy.gguf'), model, '--values'],
];

/** A stack, in whatever words it comes. */
const STACK = /^\s+at /m;

beforeAll(async () => {
  await mkdir(at('empty-folder'));
  await mkdir(at('folder.gguf'));
  await writeFile(at('healthy.gguf'), healthy);
  for (const [name, bytes] of MODELS) if (bytes !== null) await writeFile(at(`${name}.gguf`), bytes);
});

describe('every command of apr refuses, and leaves nothing behind,', () => {
  test.each(MODELS)('a model that is %s', async (name, _, code) => {
    const cwd = at('empty-folder');
    const model = at(`${name}.gguf`);
    for (const command of COMMANDS) {
      const argv = command(model);
      const { exitCode, stdout, stderr } = await apr(argv, {}, cwd);
      // Two models, stage files or folders are compared; a folder beside a model is neither.
      const expected = argv[0] === 'diff' && name === 'folder' ? 'E_DIFF_MIXED' : code;
      const last = stderr.split('\n').at(-1) ?? '';
      expect({ argv, exitCode, stdout, code: last.split(' ')[1] }).toEqual({
        argv,
        exitCode: 3,
        stdout: '',
        code: expected,
      });
      expect(last).toContain(`${name}.gguf`);
      expect(stderr).not.toMatch(STACK);
      expect(await readdir(cwd)).toEqual([]);
    }
  });

  test.each([
    ['an address', 'https://example.org/m.gguf', 'download the file'],
    ['a home that no shell wrote out', '~/m.gguf', 'write the folder out'],
    ['a path without end', 'a/'.repeat(3000), '… (6000 characters)'],
    ['a path with controls', 'a\n\u001b[31m\u202e.gguf', 'a\\n\\u{1b}[31m\\u{202e}.gguf: there is no such file'],
  ])('a model at %s', async (_, path, says) => {
    const { exitCode, stdout, stderr } = await apr(['inspect', path]);
    expect({ exitCode, stdout, lines: stderr.split('\n').length }).toEqual({ exitCode: 3, stdout: '', lines: 1 });
    expect(stderr).toMatch(/^error E_FILE_/);
    expect(stderr).toContain(says);
  });

  test('a place to write that is a file', async () => {
    const into = at('healthy.gguf');
    const argv = ['trace', at('healthy.gguf'), '--tokens', '1,5', '--save-tensor', 'all', '--save-tensor-dir', into];
    const { exitCode, stdout, stderr } = await apr(argv, {}, at('empty-folder'));
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' });
    expect(stderr.split('\n').at(-1)).toMatch(/^error E_[A-Z_]+ /);
    expect(stderr).not.toMatch(STACK);
  });
});

/** Ten to the tenth values, if it were believed. */
const ALIAS_BOMB = Array.from({ length: 10 }, (_, i) => {
  const items = Array.from({ length: 10 }, () => (i === 0 ? 'x' : `*a${i - 1}`));
  return `a${i}: &a${i} [${items.join(', ')}]\n`;
}).join('');

/** Name, text, code of `pv validate`, and its place: for the bomb, the line where the values become too many. */
const CONTRACTS: readonly [string, string, string, { line: number; column?: number }][] = [
  ['unclosed', 'metadata:\n  version: "1.0.0\n  x: [1,\n', 'PV-001', { line: 4, column: 1 }],
  ['indented with a tab', 'metadata:\n\tversion: 1\n', 'PV-001', { line: 2, column: 1 }],
  ['an alias bomb', ALIAS_BOMB, 'PV-002', { line: 5 }],
  ['nested without end', `a: ${'['.repeat(5000)}`, 'PV-002', { line: 1, column: 1 }],
];

describe('pv, given a contract that is', () => {
  let project: ToyProject;
  beforeEach(() => {
    project = new ToyProject();
  });
  afterEach(() => project.close());

  test.each(CONTRACTS)('%s: validate names the place and reads on, the rest refuses', async (_, text, code, place) => {
    project.write('contracts/bad-v1.yaml', text);
    const before = project.snapshot();
    const { exitCode, stdout, stderr } = await project.pv(['validate', 'contracts', '--format', 'json']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' });
    const { diagnostics, counts } = JSON.parse(stdout) as {
      diagnostics: { code: string; file: string; line: number; column: number }[];
      counts: object;
    };
    expect(diagnostics.filter(({ file }) => file.endsWith('bad-v1.yaml'))).toMatchObject([{ code, ...place }]);
    expect(new Set(diagnostics.map(({ file }) => file)).size).toBe(3);
    expect(counts).toMatchObject({ files: 3 });
    for (const argv of [['status'], ['gate'], ['falsify', '--all'], ['why', 'FALSIFY-SQ-001']]) {
      const refused = await project.pv(argv);
      expect({ argv, exitCode: refused.exitCode, stdout: refused.stdout }).toEqual({ argv, exitCode: 3, stdout: '' });
      expect(refused.stderr).toMatch(new RegExp(`^error E_CONTRACT_UNREADABLE contracts/bad-v1\\.yaml:${place.line}:`));
      expect(refused.stderr).not.toMatch(STACK);
    }
    expect(project.snapshot()).toEqual(before);
    expect(project.leftovers()).toEqual([]);
  });

  test.each(['validate', 'falsify', 'gate', 'status'])('not there at all: %s', async (command) => {
    const argv =
      command === 'validate'
        ? [command, 'absent']
        : ['--root', 'absent', command, ...(command === 'falsify' ? ['--all'] : [])];
    const { exitCode, stdout, stderr } = await project.pv(argv);
    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' });
    expect(stderr).toMatch(/^error E_[A-Z_]+ .*absent/);
    expect(stderr).not.toMatch(STACK);
  });

  test('no file at all: a pipe has no writer, and a device no end', async () => {
    const pipe = project.path('contracts/pipe-v1.yaml');
    await execa('mkfifo', [pipe]);
    for (const path of [pipe, '/dev/zero', '/dev/null']) {
      const { exitCode, stdout, stderr } = await project.pv(['validate', path]);
      expect({ path, exitCode, stdout }).toEqual({ path, exitCode: 3, stdout: '' });
      expect(stderr).toBe(`error E_UNREADABLE ${path}: this is a pipe, socket or device; a regular file is needed.`);
    }
    // Among contracts it is passed over, as every other entry that is no file.
    expect((await project.pv(['validate'])).exitCode).toBe(0);
  });

  test('full of control characters: none of them reaches the terminal', async () => {
    project.write('contracts/bad-v1.yaml', 'metadata: "\u009b31m \u202e"\nx\u001b[31m: [\n');
    const { exitCode, stdout } = await project.pv(['validate', 'contracts']);
    expect(exitCode).toBe(1);
    expect(stdout).toContain('bad-v1.yaml');
    for (const character of ['\u001b', '\u009b', '\u202e']) expect(stdout).not.toContain(character);
  });
});
