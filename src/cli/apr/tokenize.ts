// `apr tokenize MODEL TEXT`: a model's own tokenizer, nothing around it: no chat template, no BOS unless asked for.
// Reads the file's header only, so a model that cannot be run can still be tokenized with.
import type { Command } from 'commander';
import type { Notice, TextModel } from '../../engine/index.ts';
import { RefuteError } from '../../errors.ts';
import { plural } from '../figures.ts';
import { createProgram } from '../program.ts';
import { plainText, printJson, printLine, printTable, right } from '../terminal.ts';
import { inBoundedTime } from './bounded-time.ts';
import { parseTokenIds, usage } from './prompt.ts';

export interface TokenizeOptions {
  file?: string;
  jsonLines?: true;
  special?: true;
  bos?: true;
  decode?: string;
  json?: true;
}

const EXAMPLES = `
Without --special a control token spelled in the text is text; with it, it is that token. --decode leaves control
tokens out, with --special it spells them.

Examples:
  $ apr tokenize models/sums-2m/sums-2m.q4_k_m.gguf "What is 2+2?"
  $ apr tokenize model.gguf "<|im_start|>user" --special --json
  $ apr tokenize model.gguf --file strings.jsonl --json-lines
  $ apr tokenize model.gguf --decode 1,2,3

With --json-lines the file has one JSON string a line, and the output one array of ids a line ("-" reads stdin).`;

export function tokenizeCommand(): Command {
  return createProgram('tokenize', "Turns text into token ids and back with a model's tokenizer")
    .argument('<model>', 'a GGUF file, or a folder with safetensors and config.json')
    .argument('[text]', 'the text')
    .option('--file <path>', 'the text is in this file, UTF-8; - is stdin')
    .option('--json-lines', 'the file has one JSON string a line')
    .option('--special', 'control tokens spelled in the text are tokens')
    .option('--bos', 'start with the BOS token')
    .option('--decode <ids>', 'the other way: ids to text')
    .option('--json', 'print JSON only')
    .addHelpText('after', EXAMPLES)
    .action(tokenize);
}

async function tokenize(path: string, text: string | undefined, options: TokenizeOptions): Promise<void> {
  checkSources(text, options);
  const { model, notices } = await openTextModel(path);
  if (options.json !== true) notices.forEach(warnOf);
  const encodeOptions = { parseSpecial: options.special === true, addBos: options.bos === true };
  if (options.decode !== undefined) {
    const ids = parseTokenIds(options.decode, model.vocabSize, '--decode');
    const decoded = model.decode(ids, { keepSpecial: options.special === true });
    print(model, path, ids, decoded, notices, options);
    if (options.json !== true) printLine(`text: "${plainText(decoded)}"`);
    return;
  }
  const content = text ?? (await readText(options.file ?? '-'));
  if (options.jsonLines === true) {
    const file = options.file ?? '-';
    for (const [i, string] of parseJsonLines(content, file).entries()) {
      printLine(JSON.stringify(encodeLine(model, string, encodeOptions, `${file}:${i + 1}`)));
    }
    return;
  }
  const ids = inBoundedTime(content, () => model.encode(content, encodeOptions));
  const { textNotices } = await import('../../engine/index.ts');
  const about = inBoundedTime(content, () => textNotices(model, content, { ...encodeOptions, ids }));
  if (options.json !== true) about.forEach(warnOf);
  print(model, path, ids, content, [...notices, ...about], options);
}

function warnOf({ severity, code, message }: Notice): void {
  process.stderr.write(`${severity} [${code}] ${plainText(message)}\n`);
}

/** An error says which line it is about. */
function encodeLine(
  model: TextModel,
  text: string,
  options: Parameters<TextModel['encode']>[1],
  place: string,
): number[] {
  try {
    return inBoundedTime(text, () => model.encode(text, options));
  } catch (error) {
    if (!(error instanceof RefuteError)) throw error;
    throw new RefuteError({ code: error.code, place, is: error.message.replace(/\.$/, ''), cause: error });
  }
}

function checkSources(text: string | undefined, { file, jsonLines, decode, bos, json }: TokenizeOptions): void {
  const count = [text, file, decode].filter((source) => source !== undefined).length;
  const allowed = 'one of a text, --file and --decode is needed';
  if (count !== 1) throw usage('text', count === 0 ? 'there is none' : 'it is given more than once', allowed);
  if (jsonLines === true && file === undefined)
    throw usage('--json-lines', 'there is no --file', 'it says what the file holds');
  if (jsonLines === true && json === true)
    throw usage('--json-lines', '--json is given too', 'its output is JSON lines already');
  if (bos === true && decode !== undefined)
    throw usage('--bos', '--decode is given too', 'ids are decoded as they stand');
}

/** The tokenizer of a file, whether or not its tensors can be run. */
async function openTextModel(path: string): Promise<{ model: TextModel; notices: Notice[] }> {
  const { openModelFile } = await import('../../engine/model/index.ts');
  const file = await openModelFile(path);
  try {
    const notices: Notice[] = [];
    const model = file.readText((notice) => notices.push(notice));
    return { model, notices };
  } finally {
    await file.close();
  }
}

async function readText(path: string): Promise<string> {
  const bytes = path === '-' ? await readStdin() : await readFileBytes(path);
  try {
    // A byte order mark is text to a tokenizer.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw usage(path, 'it is not UTF-8', 'text is read as UTF-8');
  }
}

async function readStdin(): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks);
}

async function readFileBytes(path: string): Promise<Uint8Array> {
  const { openFile } = await import('../../engine/model/index.ts');
  const source = await openFile(path);
  try {
    const bytes = new Uint8Array(source.byteLength);
    await source.read(0, bytes);
    return bytes;
  } finally {
    await source.close();
  }
}

function parseJsonLines(content: string, path: string): string[] {
  const lines = content.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line, i) => {
    const value = parseJson(line);
    if (typeof value === 'string') return value;
    throw usage(`${path}:${i + 1}`, 'it is not a JSON string', 'every line holds one, such as "a\\nb"');
  });
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function print(
  model: TextModel,
  path: string,
  ids: readonly number[],
  text: string,
  notices: readonly Notice[],
  options: TokenizeOptions,
): void {
  const stream = model.openStream([]);
  // What each token adds to the text: the last one of a character shows the character.
  const tokens = ids.map((id) => ({ id, spelling: model.tokenText(id), text: stream.push(id) }));
  if (options.json === true) {
    printJson({ schemaVersion: 1, path, text, ids, tokens, notices });
    return;
  }
  const rows = tokens.map((token) => [String(token.id), plainText(token.spelling), `"${plainText(token.text)}"`]);
  if (rows.length > 0) printTable([right('id'), 'token', 'text'], rows);
  printLine(`${plural(ids.length, 'token')}: ${ids.join(',')}`);
}
