// `apr tensors MODEL`: the tensor list of a file as it stands, loadable or not. Reads the header; with --stats also
// decodes every listed tensor, in chunks, so memory does not grow with the model.
import type { Command } from 'commander';
import type { FileTensor, ModelFile, TensorStatistics } from '../../engine/index.ts';
import { badCountText, bytesText, countText, plural, smallText } from '../figures.ts';
import { wholeOption } from '../options.ts';
import { createProgram, EXIT, type ExitCode } from '../program.ts';
import { plainText, printJson, printLine, printTable, Progress, right, style, type Column } from '../terminal.ts';

interface TensorsOptions {
  filter?: string;
  limit?: number;
  stats?: true;
  json?: true;
}

const EXAMPLES = `
Shapes are row-major, [rows, columns] with the columns contiguous; GGUF itself lists dimensions the other way round.

Examples:
  $ apr tensors model.gguf
  $ apr tensors model.gguf --filter attn_q --limit 4
  $ apr tensors model.gguf --filter norm --stats --json

Exit 2: the filter selects no tensor.`;

export function tensorsCommand(): Command {
  return createProgram('tensors', 'Lists the tensors of a model file: type, shape, bytes, offset, statistics')
    .argument('<model>', 'a GGUF file, or a folder with safetensors and config.json')
    .option('--filter <substring>', 'only tensors whose name, here or in the file, contains this')
    .addOption(wholeOption('--limit <n>', 'at most so many tensors, in file order'))
    .option('--stats', 'decode the values: mean, std, min, max, NaN, Inf, zeros')
    .option('--json', 'print JSON only')
    .addHelpText('after', EXAMPLES)
    .action(async (path: string, options: TensorsOptions) => {
      process.exitCode = await listTensors(path, options);
    });
}

interface ListedTensor {
  tensor: FileTensor;
  /** null: not asked for, or of a type that cannot be decoded. */
  statistics: TensorStatistics | null;
}

async function listTensors(path: string, options: TensorsOptions): Promise<ExitCode> {
  const { openModelFile } = await import('../../engine/index.ts');
  const file = await openModelFile(path);
  try {
    const filter = options.filter ?? '';
    const matching = file.tensors.filter(({ name, storedName = name }) =>
      [name, storedName].some((spelling) => spelling.includes(filter)),
    );
    const chosen = matching.slice(0, options.limit ?? matching.length);
    const progress = new Progress();
    const listed: ListedTensor[] = [];
    for (const [i, tensor] of chosen.entries()) {
      progress.update(`decoding ${i + 1}/${chosen.length} ${plainText(tensor.name)}`);
      const statistics = options.stats === true ? await statisticsOf(file, tensor) : null;
      listed.push({ tensor, statistics });
    }
    progress.clear();
    if (options.json === true) printJson(asJson(path, file, matching, listed));
    else printTensors(path, file, matching, listed, options);
    return chosen.length === 0 ? EXIT.declined : EXIT.accepted;
  } finally {
    await file.close();
  }
}

/** Decoded elements per chunk: 4 MiB of float32. Every block size divides it. */
const CHUNK_ELEMENTS = 1 << 20;

async function statisticsOf({ weights }: ModelFile, tensor: FileTensor): Promise<TensorStatistics | null> {
  if (tensor.type === null || tensor.byteLength === null) return null;
  const { dequantize, StatisticsBuilder, TENSOR_TYPES } = await import('../../engine/index.ts');
  const { blockElements, blockBytes } = TENSOR_TYPES[tensor.type];
  const chunkBytes = (CHUNK_ELEMENTS / blockElements) * blockBytes;
  const statistics = new StatisticsBuilder();
  for (let done = 0; done < tensor.byteLength; done += chunkBytes) {
    const bytes = new Uint8Array(Math.min(chunkBytes, tensor.byteLength - done));
    await weights.read(tensor.name, done, bytes);
    statistics.add(await dequantize(tensor.type, bytes));
  }
  return statistics.finish();
}

function asJson(
  path: string,
  file: ModelFile,
  matching: readonly FileTensor[],
  listed: readonly ListedTensor[],
): object {
  return {
    schemaVersion: 1,
    path,
    format: file.format,
    formatVersion: file.container?.version ?? null,
    tensorCount: file.tensors.length,
    matchingCount: matching.length,
    totalByteLength: totalBytes(file.tensors),
    tensors: listed.map(({ tensor, statistics }) => ({
      name: tensor.name,
      ...(tensor.storedName === undefined ? {} : { storedName: tensor.storedName }),
      ...(tensor.file === undefined ? {} : { file: tensor.file }),
      type: tensor.typeLabel,
      shape: tensor.shape,
      ggufDimensions: tensor.shape.toReversed(),
      elementCount: tensor.elementCount,
      byteLength: tensor.byteLength,
      byteOffset: tensor.byteOffset,
      ...(statistics === null ? {} : { statistics }),
    })),
  };
}

function totalBytes(tensors: readonly FileTensor[]): number | null {
  return tensors.reduce<number | null>(
    (sum, { byteLength }) => (sum === null || byteLength === null ? null : sum + byteLength),
    0,
  );
}

function printTensors(
  path: string,
  file: ModelFile,
  matching: readonly FileTensor[],
  listed: readonly ListedTensor[],
  options: TensorsOptions,
): void {
  const total = totalBytes(file.tensors);
  const size = total === null ? '' : `, ${bytesText(total)}`;
  printLine(`${style.bold(plainText(path))}: ${file.formatText}, ${plural(file.tensors.length, 'tensor')}${size}`);
  const filter = options.filter === undefined ? '' : ` whose name contains "${plainText(options.filter)}"`;
  if (listed.length === 0) {
    printLine(`${style.yellow('declined')}: no tensor${filter}${options.limit === 0 ? ' within --limit 0' : ''}`);
    return;
  }
  const hasStoredNames = listed.some(({ tensor }) => tensor.storedName !== undefined);
  const hasFiles = listed.some(({ tensor }) => tensor.file !== undefined);
  const columns: Column[] = ['name', ...(hasStoredNames ? ['in the file'] : []), ...(hasFiles ? ['file'] : [])];
  columns.push('type', 'shape', 'GGUF dims', right('bytes'), right('offset'));
  const hasStatistics = options.stats === true;
  if (hasStatistics) columns.push(...['mean', 'std', 'min', 'max', 'NaN', 'Inf', 'zeros'].map(right));
  const rows = listed.map(({ tensor, statistics }) => [
    plainText(tensor.name),
    ...(hasStoredNames ? [plainText(tensor.storedName ?? tensor.name)] : []),
    ...(hasFiles ? [plainText(tensor.file ?? '')] : []),
    tensor.typeLabel,
    `[${tensor.shape.join(', ')}]`,
    tensor.shape.toReversed().join('×'),
    tensor.byteLength === null ? '—' : countText(tensor.byteLength),
    countText(tensor.byteOffset),
    ...(hasStatistics ? statisticCells(statistics) : []),
  ]);
  printTable(columns, rows);
  const rest = matching.length - listed.length;
  if (rest > 0) printLine(style.dim(`… and ${countText(rest)} more${filter} (--limit ${matching.length} lists all)`));
  if (hasStatistics && listed.some(({ statistics }) => statistics === null)) {
    printLine(style.yellow('— : a type that cannot be decoded here; nothing is known about its values'));
  }
}

function statisticCells(statistics: TensorStatistics | null): string[] {
  if (statistics === null) return Array.from({ length: 7 }, () => '—');
  const { mean, std, min, max, nanCount, infCount, zeroCount } = statistics;
  return [
    ...[mean, std, min, max].map(smallText),
    badCountText(nanCount),
    badCountText(infCount),
    countText(zeroCount),
  ];
}
