// Formats of an engine as people declare them: a name, keys of a profile, or a file of them.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { declaredFormats, formatsNamed, readFormats } from '../../../src/diagnosis/reference/profiles.ts';
import { INFERRED_PARTS, UNDECLARED } from '../../../src/engine/program/numeric-profile.ts';
import { refusal } from '../../fixtures/refusal.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';

const root = await temporaryFolder();

async function read(text: string): ReturnType<typeof readFormats> {
  const path = join(root, 'formats.yaml');
  await writeFile(path, text);
  return readFormats(path, '--formats');
}

describe('declared formats', () => {
  it('by name: what the name leaves open is said', async () => {
    expect(await readFormats('float32', '--formats')).toEqual({ profile: UNDECLARED, undeclared: [] });
    expect(formatsNamed('pytorch-bf16', 'x').profile).toMatchObject({ storage: 'bf16', accumulator: 'f32' });
    expect(formatsNamed('llama.cpp', 'x')).toMatchObject({
      profile: { kvCache: 'f16', activations: { q4_k: 'q8_k' } },
      undeclared: ['attention', 'activations'],
    });
  });

  it('in a file: the keys that it has are declared, the other parts are not', async () => {
    const { profile, undeclared } = await read('activations: { q4_k: q8_k }\nkvCache: q8_0\n');
    expect(profile).toEqual({ ...UNDECLARED, activations: { q4_k: 'q8_k' }, kvCache: 'q8_0' });
    expect(undeclared).toEqual(INFERRED_PARTS.filter((part) => part !== 'activations' && part !== 'kvCache'));
  });

  it.each([
    ['kvcache: f16', /no "kvcache"/],
    ['kvCache: q4_0', /kvCache/],
    ['activations: { q4_k: int8 }', /activations/],
    ['attention: { queries: f16 }', /attention/],
    ['- f16', /neither the name of a profile nor keys of one/],
    ['a: [', /not YAML/],
  ])('%s is refused', async (text, is) => {
    expect((await refusal('E_PROFILE', () => read(text))).message).toMatch(is);
  });

  it('of a name that there is not is refused with the names', () => {
    expect(() => declaredFormats('float8', 'manifest')).toThrow(/float32/);
  });
});
