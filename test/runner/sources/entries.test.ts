// Where the code of a program begins: the subcommand and the engine that its arguments name, and no other's.
import { expect, it } from 'vitest';
import { ClosureScanner } from '../../../src/runner/sources/closure.ts';
import { entriesOf, isOnExecutor, programText } from '../../../src/runner/sources/entries.ts';

it.each([
  [['run', 'm.gguf', '--engine', 'cpu'], 'apr run --engine cpu'],
  [['run', 'm.gguf', '--no-gpu'], 'apr run --engine cpu'],
  [['run', 'm.gguf', '--engine=webgpu', '--adapter', 'x'], 'apr run --engine webgpu'],
  [['check', '--engine', 'llama.cpp:zen4'], 'apr check --engine llama.cpp'],
  [['run', 'm.gguf', '--engine', 'auto'], 'apr run'],
  [['run', 'm.gguf'], 'apr run'],
  [['diff', 'a', 'b', '--values'], 'apr diff --engine none'],
  [['diff', 'm.gguf', 'b', '--engine', 'cpu'], 'apr diff --engine cpu'],
  [['--help'], 'apr'],
] as const)('%j is %s', (argv, text) => {
  expect(programText('apr', argv)).toBe(text);
});

it('a program on an executor is on that one alone', () => {
  expect(isOnExecutor('apr run --engine webgpu', 'webgpu')).toBe(true);
  expect(isOnExecutor('apr run', 'webgpu')).toBe(false);
});

it.each([
  ['apr run --engine cpu', 'src/engine/cpu/cpu-executor.ts', 'src/gpu/'],
  ['apr diff --engine none', 'src/cli/apr/diff/diff.ts', 'src/gpu/'],
  ['apr run --engine webgpu', 'src/gpu/node/host.ts', 'src/engine/cpu/cpu-'],
])('%s hangs on %s and on nothing of %s', async (program, own, other) => {
  const { files } = await new ClosureScanner().closureOf(entriesOf(null, { programs: [program] }));
  const names = [...files.keys()];
  expect(names.some((name) => name.endsWith(own))).toBe(true);
  expect(names.filter((name) => name.includes(other))).toEqual([]);
});
