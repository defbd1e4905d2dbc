// The WGSL of each kernel, out of the files of wgsl/: a file names what it needs in lines `// include <file>`, each taken once.
// `weights/TYPE` is the decoder of one tensor type, so that a kernel over stored weights is one file for all types; `as b` takes a
// file a second time, for a second type and its buffers, with every name in it ending in `_b`. `lib/lanes` adds over adjacent
// threads, with subgroups or without.
import type { TensorTypeName } from '../engine/formats/tensor-types.ts';
import { readBytes } from '../engine/io/read-bytes.ts';

/** Kernels, one entry point `main` each. */
export type ShaderName =
  | 'add'
  | 'add_bias'
  | 'append'
  | 'attend'
  | 'attention'
  | 'choice'
  | 'choose'
  | 'combine'
  | 'embed'
  | 'experts'
  | 'experts_gated'
  | 'experts_sum'
  | 'gated'
  | 'gelu'
  | 'matmul'
  | 'moe_route'
  | 'moe_select'
  | 'moe_sum'
  | 'mul'
  | 'norm_add'
  | 'product'
  | 'product_of_two'
  | 'rmsnorm'
  | 'rope'
  | 'scale'
  | 'silu'
  | 'softcap';

/** Written out, so that who follows imports finds them. */
const KERNELS: Readonly<Record<ShaderName, URL>> = {
  add: new URL('./wgsl/add.wgsl', import.meta.url),
  add_bias: new URL('./wgsl/add_bias.wgsl', import.meta.url),
  append: new URL('./wgsl/append.wgsl', import.meta.url),
  attend: new URL('./wgsl/attend.wgsl', import.meta.url),
  attention: new URL('./wgsl/attention.wgsl', import.meta.url),
  choice: new URL('./wgsl/choice.wgsl', import.meta.url),
  choose: new URL('./wgsl/choose.wgsl', import.meta.url),
  combine: new URL('./wgsl/combine.wgsl', import.meta.url),
  embed: new URL('./wgsl/embed.wgsl', import.meta.url),
  experts: new URL('./wgsl/experts.wgsl', import.meta.url),
  experts_gated: new URL('./wgsl/experts_gated.wgsl', import.meta.url),
  experts_sum: new URL('./wgsl/experts_sum.wgsl', import.meta.url),
  gated: new URL('./wgsl/gated.wgsl', import.meta.url),
  gelu: new URL('./wgsl/gelu.wgsl', import.meta.url),
  matmul: new URL('./wgsl/matmul.wgsl', import.meta.url),
  moe_route: new URL('./wgsl/moe_route.wgsl', import.meta.url),
  moe_select: new URL('./wgsl/moe_select.wgsl', import.meta.url),
  moe_sum: new URL('./wgsl/moe_sum.wgsl', import.meta.url),
  mul: new URL('./wgsl/mul.wgsl', import.meta.url),
  norm_add: new URL('./wgsl/norm_add.wgsl', import.meta.url),
  product: new URL('./wgsl/product.wgsl', import.meta.url),
  product_of_two: new URL('./wgsl/product_of_two.wgsl', import.meta.url),
  rmsnorm: new URL('./wgsl/rmsnorm.wgsl', import.meta.url),
  rope: new URL('./wgsl/rope.wgsl', import.meta.url),
  scale: new URL('./wgsl/scale.wgsl', import.meta.url),
  silu: new URL('./wgsl/silu.wgsl', import.meta.url),
  softcap: new URL('./wgsl/softcap.wgsl', import.meta.url),
};

const FOLDER = new URL('./wgsl/', import.meta.url);
export const SHADER_NAMES = Object.keys(KERNELS) as ShaderName[];

/** What a text depends on beside its file. */
export interface ShaderVariant {
  /** Of the stored weights that the kernel reads. */
  types: readonly TensorTypeName[];
  hasSubgroups: boolean;
}

const files = new Map<string, Promise<string>>();

export async function shaderText(name: ShaderName, variant: ShaderVariant): Promise<string> {
  const text = await expand(KERNELS[name], variant, new Set());
  return text.includes('subgroup') ? `enable subgroups;\n${text}` : text;
}

async function expand(file: URL, variant: ShaderVariant, taken: Set<string>): Promise<string> {
  if (taken.has(file.href)) return '';
  taken.add(file.href);
  const lines: string[] = [];
  for (const line of (await fileText(file)).split('\n')) {
    const [, included, copy] = /^\/\/ include (\S+)(?: as (\w+))?$/.exec(line) ?? [];
    if (included === undefined) lines.push(line);
    else if (copy === undefined) lines.push(await expand(includedFile(included, variant), variant, taken));
    else lines.push(await expandCopy(included, variant, copy));
  }
  return lines.join('\n');
}

/** For the second type, with buffers of its own; lanes are the kernel's. */
async function expandCopy(name: string, { types, hasSubgroups }: ShaderVariant, copy: string): Promise<string> {
  const variant = { types: types.slice(1), hasSubgroups };
  const text = await expand(includedFile(name, variant), variant, new Set([includedFile('lib/lanes', variant).href]));
  const declared = [...text.matchAll(/^(?:fn|const|struct) (\w+)/gm)].map(([, own = '']) => own);
  const own = ['quads', 'words', 'plane_1', 'plane_2', ...declared];
  return text.replaceAll(new RegExp(`\\b(${own.join('|')})\\b`, 'g'), `$1_${copy}`);
}

function includedFile(name: string, { types, hasSubgroups }: ShaderVariant): URL {
  const chosen = name
    .replace('TYPE', String(types[0]))
    .replace(/^lib\/lanes$/, hasSubgroups ? 'lib/lanes-subgroup' : 'lib/lanes-workgroup');
  return new URL(`${chosen}.wgsl`, FOLDER);
}

function fileText(file: URL): Promise<string> {
  const text = files.get(file.href) ?? readBytes(file).then((bytes) => new TextDecoder().decode(bytes));
  files.set(file.href, text);
  return text;
}
