// Hostile files end in a finding, quickly, and never in an exception, a hang or a crash.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readContractFile, readContractText, validatePaths } from '../../../src/runner/contract/index.ts';
import { MAX_DEPTH, MAX_FILE_BYTES, MAX_LINE_LENGTH } from '../../../src/runner/contract/yaml/limits.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';
import { brief, CLEAN } from './judge.ts';

const folder = await temporaryFolder();

/** Generous: the point is seconds, not minutes, on any machine. */
const QUICK_MS = 5_000;

const level = (name: string, below: string): string => `${name}: &${name} [${Array(9).fill(`*${below}`).join(', ')}]\n`;
const BOMB = `a: &a [${Array(9).fill('lol').join(', ')}]\n${level('b', 'a')}${level('c', 'b')}${level('d', 'c')}${level('e', 'd')}${level('f', 'e')}${level('g', 'f')}${level('h', 'g')}metadata: *h\n`;

const HOSTILE: Record<string, [source: string, expected: string]> = {
  'an alias bomb': [BOMB, 'PV-002 error 6:8'],
  'more aliases than anyone writes': [`a: &a x\nb: [${Array(101).fill('*a').join(', ')}]\n`, 'PV-002 error 2:405'],
  'an alias inside its own value': ['a: &a\n  b: *a\n', 'PV-001 error 2:6'],
  'an alias without anchor': ['metadata: *nowhere\n', 'PV-001 error 1:11'],
  'a list as a key': ['[a, b]: c\n', 'PV-001 error 1:1'],
  'seventy nested lists': [`metadata: ${'['.repeat(70)}${']'.repeat(70)}\n`, `PV-002 error 1:${11 + MAX_DEPTH}`],
  'ten thousand nested lists': [`metadata:\n  ${'['.repeat(10_000)}${']'.repeat(10_000)}\n`, 'PV-002 error 2:1'],
  'three hundred nested maps': [
    Array.from({ length: 300 }, (_, depth) => `${' '.repeat(depth)}a:\n`).join(''),
    `PV-002 error ${MAX_DEPTH + 2}:${MAX_DEPTH + 2}`,
  ],
  'brackets that are never closed': ['['.repeat(MAX_LINE_LENGTH), 'PV-002 error 1:1'],
  'a long line': [`metadata: ${'x'.repeat(MAX_LINE_LENGTH)}\n`, 'PV-002 error 1:1'],
  'many lines': ['- a\n'.repeat(30_000), 'PV-002 error 20001:1'],
  'a text above the limit': ['metadata: {}\n'.repeat(100_000), 'PV-002 error 1:1'],
  'tabs for indentation': ['metadata:\n\tversion: 1\n', 'PV-001 error 2:1'],
  'two documents': ['metadata: {}\n---\nmetadata: {}\n', 'PV-001 error 2:1'],
};

describe('a hostile file', () => {
  test.each(Object.entries(HOSTILE))('%s', (_, [source, expected]) => {
    const start = performance.now();
    const reading = readContractText('contracts/x-v1.yaml', source);
    expect(performance.now() - start).toBeLessThan(QUICK_MS);
    expect(reading.kind).toBe('unreadable');
    if (reading.kind === 'unreadable') expect(reading.diagnostics.map(brief)[0]).toBe(expected);
  });

  test('a line of 50 MB is refused by its size, unread', () => {
    const path = join(folder, 'long-v1.yaml');
    writeFileSync(path, `metadata: ${'x'.repeat(50_000_000)}\n`);
    const start = performance.now();
    const reading = readContractFile(path);
    expect(performance.now() - start).toBeLessThan(QUICK_MS);
    expect(reading).toMatchObject({ kind: 'unreadable', source: '', diagnostics: [{ code: 'PV-002', line: 1 }] });
    if (reading.kind === 'unreadable') expect(reading.diagnostics[0]?.message).toContain(String(MAX_FILE_BYTES));
  });

  test('bytes that are no text are refused', () => {
    const path = join(folder, 'bytes-v1.yaml');
    writeFileSync(path, Buffer.from([0x6d, 0x3a, 0x20, 0xff, 0xfe]));
    expect(readContractFile(path)).toMatchObject({ kind: 'unreadable', diagnostics: [{ code: 'PV-001' }] });
  });

  test('keys that every object seems to have are keys like any other', async () => {
    const path = join(folder, 'proto-v1.yaml');
    writeFileSync(
      path,
      `${CLEAN.replace('depends_on: []', 'kind: schema')}__proto__: {a: 1}\nconstructor: [1]\ntoString: x\n`,
    );
    const { diagnostics } = await validatePaths([path]);
    expect(diagnostics.filter(({ code }) => code === 'PV-010').map(({ line }) => line)).toEqual([30, 31, 32]);
  });

  test('one file that cannot be read does not hide the others', async () => {
    const path = join(folder, 'broken-v1.yaml');
    writeFileSync(path, 'metadata: [\n');
    const { diagnostics, unreadableCount, contractCount } = await validatePaths([folder]);
    expect({ unreadableCount, contractCount }).toEqual({ unreadableCount: 3, contractCount: 1 });
    expect(diagnostics.filter(({ file }) => file === path).map(({ code }) => code)).toContain('PV-001');
    expect(diagnostics.some(({ file }) => file.endsWith('proto-v1.yaml'))).toBe(true);
  });
});
