// What Jinja2 recorded (scripts/template_vectors.py), and the product's answer to the same templates: a text, or null
// where it refuses with an error of its own. One measurement is one rendering: 0 where both say the same.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { ChatTemplate } from '../../src/engine/text/chat-template.ts';
import type { ChatMessage } from '../../src/engine/text/text-model.ts';
import { RefuteError } from '../../src/errors.ts';
import type { PartContext } from '../../src/runner/run/falsifier.ts';

const VECTORS = 'falsifiers/vectors/chat-template-parity';

/** As recorded: text, or null and the name of Python's error. */
type Outcome = [text: string] | [text: null, error: string];
type Variables = Record<string, unknown>;

interface Head {
  producer: { name: string; version: string };
  bos: string;
  eos: string;
  /** Year, month from 1, day, hour, minute, second. */
  now: [number, number, number, number, number, number];
}

interface Families extends Head {
  templates: Record<string, string>;
  conversations: Record<string, unknown[]>;
  settings: Record<string, Variables>;
  cases: [family: string, conversation: string, addGenerationPrompt: boolean, settings: string, ...Outcome][];
}

interface Snippets extends Head {
  messages: unknown[];
  variables: Variables;
  cases: [template: string, ...Outcome][];
}

export interface Rendering {
  where: string;
  source: string;
  messages: readonly unknown[];
  addGenerationPrompt: boolean;
  variables: Variables;
  /** null where Jinja2 refuses. */
  expected: string | null;
}

export const BOS = '<s>';
export const EOS = '</s>';

const clock = (): Date => new Date(2025, 1, 3, 4, 5, 6);

async function read<Vectors extends Head>(context: PartContext, name: string): Promise<Vectors> {
  const text = await readFile(context.data(`${VECTORS}/${name}.json`), 'utf8');
  const vectors = JSON.parse(text) as Vectors;
  context.oracle({ ...vectors.producer, digest: createHash('sha256').update(text).digest('hex') });
  return vectors;
}

export async function familyTemplates(context: PartContext): Promise<Record<string, string>> {
  const text = await readFile(context.data(`${VECTORS}/families.json`), 'utf8');
  return (JSON.parse(text) as Families).templates;
}

export async function families(context: PartContext): Promise<Rendering[]> {
  const { templates, conversations, settings, cases } = await read<Families>(context, 'families');
  return cases.map(([family, conversation, addGenerationPrompt, setting, expected]) => ({
    where: [family, conversation, setting].join(', '),
    source: templates[family] ?? '',
    messages: conversations[conversation] ?? [],
    addGenerationPrompt,
    variables: settings[setting] ?? {},
    expected,
  }));
}

export async function snippets(context: PartContext, name: 'expressions' | 'generated'): Promise<Rendering[]> {
  const { messages, variables, cases } = await read<Snippets>(context, name);
  return cases.map(([source, expected]) => ({
    where: source,
    source,
    messages,
    addGenerationPrompt: false,
    variables,
    expected,
  }));
}

export type Asked = Omit<Rendering, 'where' | 'expected'>;

const rendered = new Map<string, ChatTemplate>();

/** @returns null where the product refuses by name; any other exception is the product's failure and passes through */
export function render({ source, messages, addGenerationPrompt, variables }: Asked): string | null {
  const template = rendered.get(source) ?? new ChatTemplate(source, clock);
  if (rendered.size < 200) rendered.set(source, template);
  try {
    return template.render(messages as ChatMessage[], { bos: BOS, eos: EOS }, addGenerationPrompt, variables);
  } catch (error) {
    if (error instanceof RefuteError && error.code.startsWith('E_CHAT_TEMPLATE')) return null;
    throw error;
  }
}

/** @param bar `or-refused`: a refusal by name is no mismatch; how many of these there may be, another claim says */
export function compare(context: PartContext, renderings: readonly Rendering[], bar: 'exact' | 'or-refused'): void {
  for (const rendering of renderings) {
    const ours = render(rendering);
    const isSame = ours === rendering.expected || (bar === 'or-refused' && ours === null);
    context.measure(isSame ? 0 : 1, rendering.where);
    context.output(String(ours));
  }
}
