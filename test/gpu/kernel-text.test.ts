// What the texts of all kernels ask of a device, read from the texts: no more than every device has. And how a kernel is told.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TENSOR_TYPES, type TensorTypeName } from '../../src/engine/formats/tensor-types.ts';
import { kernelText, paramBytes } from '../../src/gpu/kernel-text.ts';
import { withPoison } from '../../src/gpu/poisoned-text.ts';
import { SHADER_NAMES, shaderText } from '../../src/gpu/shaders.ts';

const TYPES = Object.keys(TENSOR_TYPES) as TensorTypeName[];
const all = await Promise.all(
  SHADER_NAMES.flatMap((name) =>
    [false, true].flatMap((hasSubgroups) =>
      TYPES.map(
        async (type) => [`${name} ${type}`, await shaderText(name, { types: [type, 'q6_k'], hasSubgroups })] as const,
      ),
    ),
  ),
);

/** Each once: most kernels read no weights. */
const texts = [...new Map(all.map(([label, code]) => [code, label])).entries()].map(
  ([code, label]) => [label, code] as const,
);

const BYTES: Readonly<Record<string, number>> = { f32: 4, 'vec2<f32>': 8, 'vec4<f32>': 16, Choice: 16 };

/** Of workgroup memory, and the threads of a workgroup. */
function usageOf(code: string): { bytes: number; threads: number } {
  const constants = new Map(
    [...code.matchAll(/^const (\w+) = (\d+)u;$/gm)].map(([, name, value]) => [name, Number(value)]),
  );
  const number = (text = ''): number => constants.get(text) ?? Number(text);
  const arrays = [...code.matchAll(/^var<workgroup> \w+: (?:array<(.+), (\w+)>|(\w+));$/gm)];
  const bytes = arrays.map(
    ([, element, count, single]) => (BYTES[element ?? single ?? ''] ?? Number.NaN) * number(count ?? '1'),
  );
  const threads = number(/@workgroup_size\((\w+)\)/.exec(code)?.[1]);
  return { bytes: bytes.reduce((sum, each) => sum + each, 0), threads };
}

it.each(texts)('%s binds 8 storage buffers, holds 16 KiB and runs 256 threads at most', (_, code) => {
  const { bytes, threads } = usageOf(code);
  expect(kernelText(code).bindings.filter(({ type }) => type !== 'uniform').length).toBeLessThanOrEqual(8);
  expect(kernelText(code).bindings.filter(({ type }) => type === 'uniform')).toHaveLength(2);
  expect(bytes).toBeLessThanOrEqual(16_384);
  expect(threads).toBe(64);
});

it('has no use for shader-f16: f16 is read by its bits', () => {
  expect(
    texts.filter(([, code]) => /enable\s+f16|\bf16\b(?=[^\n]*[;(])|<f16>/.test(code.replaceAll(/\/\/.*$/gm, ''))),
  ).toEqual([]);
});

it('has its workgroup memory filled where a run is checked, whatever the kernel', () => {
  for (const [, code] of texts) {
    const names = [...code.matchAll(/^var<workgroup> (\w+)/gm)].map(([, name]) => name);
    const poisoned = withPoison(code);
    if (names.length === 0) expect(poisoned).toBe(code);
    for (const name of names) expect(poisoned).toMatch(new RegExp(`${name}(\\[i\\])? = `));
    expect(poisoned.includes('  poison(thread);')).toBe(names.length > 0);
  }
});

it('is told whole numbers below 2^32, and refuses others', () => {
  const params = [{ name: 'at', type: 'u32' }] as const;
  fc.assert(
    fc.property(fc.maxSafeNat(), (at) => {
      if (at < 2 ** 32) expect(new Uint32Array(paramBytes(params, { at }))[0]).toBe(at);
      else expect(() => paramBytes(params, { at })).toThrow(RangeError);
    }),
  );
  for (const at of [-1, 0.5, Number.NaN, 2 ** 32]) expect(() => paramBytes(params, { at })).toThrow(/parameter at is/);
});
