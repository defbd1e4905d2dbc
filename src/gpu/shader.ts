// Shader text from the files of wgsl/: a file names what it needs in lines `// include <name>`, each taken once.
// `weights/TYPE` is the decoder of one tensor type, so that a kernel over stored weights is one file for all types.
import { readBytes } from '../engine/io/read-bytes.ts';
import type { TensorTypeName } from '../engine/formats/tensor-types.ts';

/** Kernels, one entry point `main` each. */
export type ShaderName =
  | 'add'
  | 'add_bias'
  | 'append'
  | 'attention'
  | 'embed'
  | 'expert_matvec'
  | 'gelu'
  | 'matmul'
  | 'matvec'
  | 'moe_route'
  | 'moe_select'
  | 'moe_sum'
  | 'mul'
  | 'rmsnorm'
  | 'rope'
  | 'scale'
  | 'silu'
  | 'softcap';

const FOLDER = new URL('./wgsl/', import.meta.url);
const files = new Map<string, Promise<string>>();

/** @param type of the weights, where the kernel reads stored ones */
export async function shaderText(name: ShaderName, type: TensorTypeName | null): Promise<string> {
  return expand(name, type, new Set());
}

async function expand(name: string, type: TensorTypeName | null, taken: Set<string>): Promise<string> {
  if (taken.has(name)) return '';
  taken.add(name);
  const lines: string[] = [];
  for (const line of (await fileText(name)).split('\n')) {
    const included = /^\/\/ include (\S+)$/.exec(line)?.[1];
    lines.push(included === undefined ? line : await expand(included.replace('TYPE', String(type)), type, taken));
  }
  return lines.join('\n');
}

function fileText(name: string): Promise<string> {
  const text =
    files.get(name) ?? readBytes(new URL(`${name}.wgsl`, FOLDER)).then((bytes) => new TextDecoder().decode(bytes));
  files.set(name, text);
  return text;
}
