// A look at the embedding before anything runs: where a matrix was loaded transposed, not at all, or from another
// model, it shows here first. Reads row 0 and the start of 64 rows, whatever the model's size.
import { RefuteError } from '../../errors.ts';
import { quoted } from '../formats/quoted.ts';
import type { Notice } from '../../notice.ts';
import type { EmbeddingReport } from './model.ts';
import { dequantize } from '../cpu/dequantize.ts';
import { TENSOR_TYPES } from '../formats/tensor-types.ts';
import { findLayoutFault } from './layout-probe.ts';
import type { WeightInfo, WeightSource } from '../program/executor.ts';
import type { Program, WeightName } from '../program/program.ts';

const SHOWN_VALUES = 5;
const SAMPLED_ROWS = 64;
/** Channels read of a sampled row, at least; the next whole block. */
const SAMPLED_CHANNELS = 64;

/** GGUF's token types for which a row of zeros is normal: unknown, control, unused. */
const SPECIAL_TOKEN_TYPES: readonly unknown[] = [2, 3, 5];

/**
 * @param of.tokenCount entries of the tokenizer; 0 where there is none
 * @param of.nameInFile for messages, where it is not the canonical name
 * @param of.firstTokenType type of token 0 in the tokenizer's own numbering, if it says one
 * @throws RefuteError E_EMBEDDING_ZERO, E_EMBEDDING_ROWS
 */
export async function inspectEmbedding(
  path: string,
  program: Program,
  weights: WeightSource,
  of: { tokenCount: number; firstTokenType: unknown; nameInFile?: (name: WeightName) => string },
): Promise<{ embedding: EmbeddingReport | null; notices: Notice[] }> {
  const op = program.ops.find((candidate) => candidate.op === 'embed');
  const info = op === undefined ? undefined : weights.info(op.weight);
  if (info === undefined) return { embedding: null, notices: [] };
  const [rowCount = 1, channelCount = 1] = info.shape;
  const sample = await sampleRows(weights, info, rowCount, channelCount);
  const row = await firstRow(weights, info, channelCount);

  const notices: Notice[] = [];
  const warn = (code: string, message: string): void => void notices.push({ severity: 'warning', code, message });
  const storedName = of.nameInFile?.(info.name) ?? info.name;
  const name = quoted(storedName);
  if (row.every((value) => value === 0)) {
    const isSpecial = SPECIAL_TOKEN_TYPES.includes(of.firstTokenType);
    if (!isSpecial || sample.every((values) => values.every((value) => value === 0))) throw zeroRowError(path, name);
    warn(
      'EMBEDDING-ZERO-ROW',
      `row 0 of ${name} is all zeros. Token 0 is a special one, so this may be meant; a transposed or unread embedding looks the same.`,
    );
  }
  const first = sample[0]?.[0];
  if (sample.every((values) => values.every((value) => value === first))) {
    const is = `every sampled value of ${name} is ${first}: the embedding was probably not written or not read.`;
    warn('EMBEDDING-CONSTANT', is);
  }
  if (sample.some((values) => !values.every(Number.isFinite))) {
    warn('EMBEDDING-NONFINITE', `${name} holds NaN or infinity.`);
  }
  const probe = findLayoutFault(sample);
  if (probe !== null) {
    warn(
      'LAYOUT-BYTES-TRANSPOSED',
      `the bytes of ${name} may be transposed under the right shape: means differ between rows (F = ${probe.rowF.toFixed(1)}) and not between channels (F = ${probe.channelF.toFixed(1)}); in a trained embedding it is the other way round.`,
    );
  }
  if (of.tokenCount > rowCount) throw rowsError(path, name, rowCount, of.tokenCount);
  if (of.tokenCount > 0 && of.tokenCount < rowCount) {
    warn(
      'EMBEDDING-PADDED',
      `${name} has ${rowCount} rows and the tokenizer ${of.tokenCount} entries: the last ${rowCount - of.tokenCount} ids have no text.`,
    );
  }
  return {
    embedding: {
      name: storedName,
      type: info.type,
      shape: info.shape,
      firstValues: [...row.subarray(0, SHOWN_VALUES)],
    },
    notices,
  };
}

/** The first channels of rows spread over the whole matrix, decoded in one go. */
async function sampleRows(
  weights: WeightSource,
  info: WeightInfo,
  rowCount: number,
  channelCount: number,
): Promise<Float32Array[]> {
  const { blockElements, blockBytes } = TENSOR_TYPES[info.type];
  const wanted = Math.min(channelCount, Math.ceil(SAMPLED_CHANNELS / blockElements) * blockElements);
  const count = Math.min(SAMPLED_ROWS, rowCount);
  const rowBytes = (channelCount / blockElements) * blockBytes;
  const wantedBytes = (wanted / blockElements) * blockBytes;
  const bytes = new Uint8Array(count * wantedBytes);
  for (let i = 0; i < count; i += 1) {
    const row = Math.floor((i * (rowCount - 1)) / Math.max(1, count - 1));
    await weights.read(info.name, row * rowBytes, bytes.subarray(i * wantedBytes, (i + 1) * wantedBytes));
  }
  const values = await dequantize(info.type, bytes);
  return Array.from({ length: count }, (_, i) => values.subarray(i * wanted, (i + 1) * wanted));
}

async function firstRow(weights: WeightSource, info: WeightInfo, channelCount: number): Promise<Float32Array> {
  const { blockElements, blockBytes } = TENSOR_TYPES[info.type];
  const bytes = new Uint8Array((channelCount / blockElements) * blockBytes);
  await weights.read(info.name, 0, bytes);
  return dequantize(info.type, bytes);
}

function zeroRowError(path: string, name: string): RefuteError {
  const is = `row 0 of ${name} is all zeros`;
  const allowed = 'a trained row is not; the matrix may be transposed, or its data missing';
  const next = 'Compare the tensor with its source: shape, first values, offset';
  return new RefuteError({ code: 'E_EMBEDDING_ZERO', place: path, is, allowed, next });
}

function rowsError(path: string, name: string, rowCount: number, tokenCount: number): RefuteError {
  const is = `${name} has ${rowCount} rows and the tokenizer ${tokenCount} entries`;
  const next = 'The tokenizer is probably that of another model';
  return new RefuteError({ code: 'E_EMBEDDING_ROWS', place: path, is, allowed: 'every token needs a row', next });
}
