// What PyPI gguf reads in the bundled files (falsifiers/vectors/gguf-reader, made once in Python), against what the
// product's reader reads in the same files. The outside reader shares no code with this project.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parseGguf, type GgufFile } from '../../src/engine/formats/gguf.ts';
import { openFile } from '../../src/engine/io/open-file.ts';
import type { ByteSource } from '../../src/engine/io/byte-source.ts';
import type { PartContext } from '../../src/runner/run/falsifier.ts';

export const SURVEYED_FILES: readonly string[] = ['sums-2m.f16.gguf', 'sums-2m.q4_k_m.gguf'];

interface Survey {
  producer: { name: string; version: string };
  file: { name: string; bytes: number; sha256: string };
  version: number;
  tensorCount: number;
  metadataCount: number;
  alignment: number;
  dataOffset: number;
  metadata: ({ key: string; type: string } & (
    | { value: unknown }
    | { elementType: string; length: number; first: unknown; last: unknown; jsonSha256: string }
  ))[];
  tensors: { name: string; type: string; dims: number[]; offset: number; bytes: number; sha256: string }[];
}

/** gguf's words for value types. */
const VALUE_TYPES: Readonly<Record<string, string>> = {
  UINT8: 'u8',
  INT8: 'i8',
  UINT16: 'u16',
  INT16: 'i16',
  UINT32: 'u32',
  INT32: 'i32',
  FLOAT32: 'f32',
  BOOL: 'bool',
  STRING: 'string',
  ARRAY: 'array',
  UINT64: 'u64',
  INT64: 'i64',
  FLOAT64: 'f64',
};

/** One case per surveyed file: how many of its facts the product reads differently. */
export async function compareWithSurvey(context: PartContext): Promise<void> {
  for (const name of SURVEYED_FILES) {
    const path = context.data(`falsifiers/vectors/gguf-reader/${name}.json`);
    const text = await readFile(path, 'utf8');
    const survey = JSON.parse(text) as Survey;
    const { name: reader, version } = survey.producer;
    context.oracle({ name: reader, version, digest: sha256(text) });
    const source = await openFile(context.model('model:sums-2m', name));
    context.measure(await countDifferences(survey, source), name);
    await source.close();
  }
}

async function countDifferences(survey: Survey, source: ByteSource): Promise<number> {
  const parsed = await parseGguf(source);
  let differences = countHeaderDifferences(survey, parsed) + (source.byteLength === survey.file.bytes ? 0 : 1);
  for (const [i, tensor] of survey.tensors.entries()) {
    const found = parsed.tensors[i];
    const bytes = new Uint8Array(found?.byteLength ?? 0);
    if (found !== undefined) await source.read(found.byteOffset, bytes);
    const ours = [found?.name, found?.type, found?.shape.toReversed().join(), found?.byteOffset, sha256(bytes)];
    const theirs = [tensor.name, tensor.type.toLowerCase(), tensor.dims.join(), tensor.offset, tensor.sha256];
    differences += ours.filter((fact, n) => fact !== theirs[n]).length;
  }
  return differences;
}

function countHeaderDifferences(survey: Survey, parsed: GgufFile): number {
  const ours: unknown[] = [parsed.version, parsed.alignment, parsed.dataOffset];
  const theirs: unknown[] = [survey.version, survey.alignment, survey.dataOffset];
  ours.push(parsed.tensors.length, parsed.entries.length);
  theirs.push(survey.tensorCount, survey.metadataCount);
  for (const [i, field] of survey.metadata.entries()) {
    const entry = parsed.entries[i];
    ours.push(entry?.key, entry?.type);
    theirs.push(field.key, VALUE_TYPES[field.type]);
    if ('value' in field) {
      ours.push(entry?.value);
      theirs.push(field.value);
    } else {
      const values = Array.isArray(entry?.value) ? entry.value : [];
      ours.push(entry?.elementType, values.length, values[0], values.at(-1), sha256(JSON.stringify(values)));
      theirs.push(VALUE_TYPES[field.elementType], field.length, field.first, field.last, field.jsonSha256);
    }
  }
  return ours.filter((fact, n) => !Object.is(fact, theirs[n])).length;
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
