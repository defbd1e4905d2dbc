// A real GGUF file as a plan of one, so that it can be broken, or written with other values, as a generated one can. Read with the
// product's reader, which other claims judge.
import { parseGguf } from '../../../src/engine/formats/gguf.ts';
import { openFile } from '../../../src/engine/io/open-file.ts';
import type { GgufEntry, GgufPlan, GgufScalar, GgufTensor } from './gguf-bytes.ts';

/** With an alignment entry of its own. */
export async function planOf(path: string): Promise<GgufPlan> {
  const source = await openFile(path);
  const parsed = await parseGguf(source);
  const tensors: GgufTensor[] = [];
  for (const { name, shape, ggmlId, byteOffset, byteLength } of parsed.tensors) {
    const bytes = new Uint8Array(byteLength ?? 0);
    await source.read(byteOffset, bytes);
    tensors.push({ name, dimensions: shape.toReversed(), typeId: ggmlId, bytes });
  }
  await source.close();
  const metadata = parsed.entries.map(({ key, type, elementType, value }): GgufEntry => {
    if (Array.isArray(value))
      return { key, value: { type: 'array', of: elementType as 'string', values: value as string[] } };
    return { key, value: { type, value } as GgufScalar };
  });
  return {
    alignment: 32,
    metadata: [{ key: 'general.alignment', value: { type: 'u32', value: 32 } }, ...metadata],
    tensors,
  };
}
