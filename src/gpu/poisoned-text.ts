// The text of a kernel whose workgroup memory begins as NaN, for runs that are checked: the language begins it as 0, which hides a sum
// that nobody began, or a barrier that is not there.
import { POISON } from './poison.ts';

/** A value of each type that stands in workgroup memory, out of NaN and its bits. */
const VALUES: Readonly<Record<string, string>> = {
  f32: 'nan',
  'vec2<f32>': 'vec2<f32>(nan)',
  'vec4<f32>': 'vec4<f32>(nan)',
  Choice: 'Choice(nan, bits, nan, bits)',
};

/** The number of a thread, and the beginning of what a workgroup runs, as every kernel writes them. */
const THREAD = '@builtin(local_invocation_index) thread: u32';
const MAIN = /^fn main\([^{]*\{\n/m;

/** @throws RangeError where a kernel has workgroup memory of a type that this does not know, or is written otherwise */
export function withPoison(code: string): string {
  const variables = [...code.matchAll(/^var<workgroup> (\w+): (?:array<(.+), (\w+)>|(\w+));$/gm)];
  const count = code.match(/^var<workgroup>/gm)?.length ?? 0;
  if (variables.length !== count) throw new RangeError('workgroup memory is declared in a way that is not known');
  if (count === 0) return code;
  const fills = variables.map(([, name = '', element, length, single]) => {
    const value = VALUES[element ?? single ?? ''];
    if (value === undefined) throw new RangeError(`workgroup memory ${name} is of an unknown type`);
    const loop = `for (var i = thread; i < u32(${length}); i += 64u) { ${name}[i] = ${value}; }`;
    return length === undefined ? `if (thread == 0u) { ${name} = ${value}; }` : loop;
  });
  const main = MAIN.exec(code)?.[0];
  if (main === undefined || !main.includes(THREAD)) throw new RangeError('main is written in a way that is not known');
  // A variable, since a constant must not be NaN.
  const filler = [
    'fn poison(thread: u32) {',
    `var bits = ${POISON}u;`,
    'let nan = bitcast<f32>(bits);',
    ...fills,
    'workgroupBarrier();',
    '}',
  ];
  return `${code.replace(main, `${main}  poison(thread);\n`)}\n${filler.join('\n')}\n`;
}
