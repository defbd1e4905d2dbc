// The product as a user starts it: `apr run` on a folder of the bundled model whose chat template is another one. The ids
// that the model is given, joined by the trainer's own vocabulary, are the text that the template is to give.
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import type { PartContext, ProgramResult } from '../../src/runner/run/falsifier.ts';
import { BYTE_SPELLINGS } from '../tokenizer-parity-v1/vocabularies.ts';
import { expressions, printed } from './expressions.ts';
import { PLAIN } from './families.ts';
import { familyTemplates } from './recorded.ts';
import { broken } from './refusals.ts';

const HF = 'models/sums-2m/hf';

/** Each is a run of the bundled model. */
export const FAMILIES_ASKED = 6;
export const EXPRESSIONS_ASKED = 4;
export const REFUSALS_ASKED = 4;

/** The model answers within its context, and its tokenizer.json brings text into Unicode's composed form. */
const MAX_CHARACTERS = 300;

interface Tokenizer {
  model: { vocab: Record<string, number> };
  added_tokens: { id: number; content: string }[];
}

class Asked {
  readonly #context: PartContext;
  readonly #folder: string;
  readonly #tokens: Map<number, string>;
  readonly #whole: Set<number>;

  private constructor(context: PartContext, folder: string, { model, added_tokens: added }: Tokenizer) {
    this.#context = context;
    this.#folder = folder;
    this.#tokens = new Map(Object.entries(model.vocab).map(([token, id]) => [id, token]));
    for (const { id, content } of added) this.#tokens.set(id, content);
    this.#whole = new Set(added.map(({ id }) => id));
  }

  static async open(context: PartContext): Promise<Asked> {
    context.model('model:sums-2m', 'sums-2m.f16.gguf');
    const folder = join(context.folder, 'chat');
    await mkdir(folder);
    for (const file of ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json']) {
      await copyFile(context.data(`${HF}/${file}`), join(folder, file));
    }
    const tokenizer = JSON.parse(await readFile(context.data(`${HF}/tokenizer.json`), 'utf8')) as Tokenizer;
    return new Asked(context, folder, tokenizer);
  }

  async run(template: string, argv: readonly string[]): Promise<ProgramResult> {
    await writeFile(join(this.#folder, 'chat_template.jinja'), template);
    const run = ['run', this.#folder, ...argv, '--max-tokens', '1', '--no-gpu', '--json'];
    return this.#context.program('apr', run);
  }

  /** The text of the prompt that the model was given; null where there was no answer. */
  async promptOf(template: string, argv: readonly string[]): Promise<string | null> {
    const { exitCode, stdout } = await this.run(template, argv);
    if (exitCode !== 0) return null;
    const { promptIds } = JSON.parse(stdout) as { promptIds: number[] };
    const bytes = promptIds.flatMap((id) => {
      const token = this.#tokens.get(id) ?? '';
      return this.#whole.has(id)
        ? [...new TextEncoder().encode(token)]
        : Array.from(token, (character) => BYTE_SPELLINGS.indexOf(character));
    });
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(Uint8Array.from(bytes));
  }
}

/** The folder's own tokens; a template that prints one begins or ends with it. */
const TOKENS = { bos: '', eos: '<|im_end|>' };

/** Not llama2: this model has no BOS token, which that template adds to a text, so that Jinja2 refuses. */
const FAMILIES = Object.keys(PLAIN)
  .filter((family) => family !== 'llama2')
  .slice(0, FAMILIES_ASKED);

/** Texts that an argument can hold. */
const QUESTIONS = ["  it's 2+2?\r\n", 'x\t"é"\n\n', '</muse>{{ 1 }} 👍 ', '\u00a0a\u2003', '{% if %}\u0085', '\\n'];

export async function askFamilies(context: PartContext): Promise<void> {
  const asked = await Asked.open(context);
  const templates = await familyTemplates(context);
  for (const [i, family] of FAMILIES.entries()) {
    const [prompt = '', system = ''] = [QUESTIONS[i], QUESTIONS[(i + 1) % QUESTIONS.length]];
    const messages = [
      { role: 'system' as const, content: system },
      { role: 'user' as const, content: prompt },
    ];
    const said = await asked.promptOf(templates[family] ?? '', [`--prompt=${prompt}`, `--system=${system}`]);
    const plain = PLAIN[family]?.({ messages, addGenerationPrompt: true, tools: null }) ?? '';
    const expected = plain.replaceAll('<s>', TOKENS.bos).replaceAll('</s>', TOKENS.eos);
    context.measure(said === expected ? 0 : 1, `${family}: ${JSON.stringify(prompt)}`);
    context.output(String(said));
  }
}

/** The names of expressions.ts, which no user gives. */
const NAMES_SET = `{% set n = 7 %}{% set f = 2.5 %}{% set word = 'naïve 👍\\r\\n' %}{% set yes = true %}{% set nil = none %}{% set list = [1, 'a', none, false] %}{% set words = ['b', 'A', "c'd"] %}{% set map = {'b': 1, 'a': [none, 1.5], 'x y': {}} %}`;

export async function askExpressions(context: PartContext): Promise<void> {
  const asked = await Asked.open(context);
  const spoken = fc
    .sample(expressions, { numRuns: 400, seed: context.seed })
    .map((expression) => ({ source: expression.source, text: printed(expression) ?? '' }))
    .filter(({ text }) => text !== '' && text.length < 60 && text === text.normalize('NFC'));
  for (let run = 0; run < EXPRESSIONS_ASKED; run++) {
    let [source, expected] = [NAMES_SET, ''];
    while (expected.length < MAX_CHARACTERS - 60) {
      const next = spoken.pop();
      if (next === undefined) break;
      source += `|{{ ${next.source} }}`;
      expected += `|${next.text}`;
    }
    const said = await asked.promptOf(source, ['--prompt=x']);
    context.measure(said === expected.normalize('NFC') ? 0 : 1, source);
    context.output(String(said));
  }
}

export async function askRefusals(context: PartContext): Promise<void> {
  const asked = await Asked.open(context);
  for (const { of, place } of fc.sample(broken, { numRuns: REFUSALS_ASKED, seed: context.seed })) {
    const template = place("{{ messages[0]['content'] }}", of[0]);
    const { exitCode, stdout, stderr } = await asked.run(template, ['--prompt=x']);
    const isNamed = exitCode === 3 && (stdout + stderr).includes('E_CHAT_TEMPLATE');
    context.measure(isNamed ? 0 : 1, template);
    context.output(`${exitCode} ${isNamed}`);
  }
}
