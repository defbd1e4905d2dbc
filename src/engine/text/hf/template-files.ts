// Which chat template a folder has, as Transformers' AutoTokenizer finds it: files of their own before
// tokenizer_config.json; of several, the one named `default`.
import { RefuteError } from '../../../errors.ts';
import type { Notice } from '../../../notice.ts';
import { readTextFile } from '../../formats/json-file.ts';
import type { Files } from '../../io/files.ts';
import type { Json } from './part.ts';

export interface FolderTemplate {
  /** Null: the folder has none. An error: it has some, and none of them is the one for a conversation. */
  template: string | RefuteError | null;
  notices: readonly Notice[];
}

const MAX_TEMPLATE_BYTES = 2 ** 22;
const FILE = 'chat_template.jinja';
const MORE = 'additional_chat_templates';
const ENDING = '.jinja';
/** Only a processor of pictures or sound reads them. */
const PROCESSOR_FILES = ['chat_template.json', 'processor_config.json', 'preprocessor_config.json'];

/** @param stated `chat_template` of tokenizer_config.json */
export async function findTemplate(
  files: Files,
  folder: string,
  names: readonly string[],
  stated: unknown,
): Promise<FolderTemplate> {
  const paths = new Map<string, string>();
  if (names.includes(FILE)) paths.set('default', await files.pathIn(folder, FILE));
  if (names.includes(MORE)) {
    const inner = await files.pathIn(folder, MORE);
    for (const name of (await files.list(inner)) ?? []) {
      if (name.endsWith(ENDING)) paths.set(name.slice(0, -ENDING.length), await files.pathIn(inner, name));
    }
  }
  const path = paths.get('default');
  if (path !== undefined) {
    return { template: await readTextFile(files, path, MAX_TEMPLATE_BYTES, { keepsMark: true }), notices: [] };
  }
  if (paths.size > 0) return { template: noDefault(MORE, [...paths.keys()]), notices: [] };
  const template = choose(stated);
  const beside = template === null ? PROCESSOR_FILES.filter((name) => names.includes(name)) : [];
  return { template, notices: await besideNotices(files, folder, beside) };
}

function choose(stated: unknown): string | RefuteError | null {
  if (stated === undefined || stated === null || typeof stated === 'string') return stated ?? null;
  if (typeof stated !== 'object')
    return refusal('chat_template', `it is ${JSON.stringify(stated)}`, 'a text is needed');
  const named = new Map<string, unknown>(
    Array.isArray(stated)
      ? (stated as unknown[]).map((one): [string, unknown] => {
          const { name, template } = (one ?? {}) as Json;
          return [String(name), template];
        })
      : Object.entries(stated),
  );
  const template = named.get('default');
  return typeof template === 'string' ? template : noDefault('chat_template', [...named.keys()]);
}

function noDefault(place: string, names: readonly string[]): RefuteError {
  const list = names.length === 0 ? 'there is no template' : `templates are named ${names.join(', ')}`;
  return refusal(place, list.slice(0, 200), 'one named default is needed');
}

function refusal(place: string, is: string, allowed: string): RefuteError {
  return new RefuteError({ code: 'E_CHAT_TEMPLATE', place, is, allowed, next: 'Use --raw to leave the template out' });
}

async function besideNotices(files: Files, folder: string, names: readonly string[]): Promise<Notice[]> {
  const notices: Notice[] = [];
  for (const file of names) {
    const text = await readTextFile(files, await files.pathIn(folder, file), MAX_TEMPLATE_BYTES);
    if (!text.includes('"chat_template"')) continue;
    const message = `${file} has a chat template that is not read, as by AutoTokenizer: prompts are text as they stand.`;
    notices.push({ severity: 'warning', code: 'TEMPLATE-BESIDE', message });
  }
  return notices;
}
