// Asks the shipped files every question of questions.json through this repository's own engine, and writes how many are
// answered right between the two marks of models/README.md. The counterpart of evaluate_model.py, counted the same way:
// greedy, and the text up to the end token is the expected text, character for character. A measurement, not a test.
//   node scripts/accuracy.ts [--check]
// --check writes nothing and exits 1 where the README says something else.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { RefuteError } from '../src/errors.ts';
import { openCpuExecutor } from '../src/engine/cpu/cpu-executor.ts';
import { generate, openModel, type ChatMessage, type Model, type Session } from '../src/engine/index.ts';

const MODELS = new URL('../models/', import.meta.url);
const FILES = ['sums-2m.f16.gguf', 'sums-2m.q4_k_m.gguf'];
const [BEGIN, END] = ['<!-- own engine: begin -->\n', '<!-- own engine: end -->'];
const MAX_NEW_TOKENS = 40;
/** No question with what stands before it is longer. */
const CONTEXT_LENGTH = 256;
const SHOWN_MISTAKES = 3;

interface QuestionSet {
  name: string;
  heldOut: boolean;
  before: ChatMessage[];
  items: [question: string, answer: string][];
}

/** Right answers per set, in the order of the sets. */
async function countRight(file: string, sets: readonly QuestionSet[]): Promise<number[]> {
  const model = await openModel(fileURLToPath(new URL(`sums-2m/${file}`, MODELS)));
  const executor = await openCpuExecutor(model.program, model.weights);
  const session = await executor.openSession(CONTEXT_LENGTH);
  const counts: number[] = [];
  for (const { name, before, items } of sets) {
    const mistakes: string[] = [];
    for (const [question, answer] of items) {
      const said = await ask(model, session, [...before, { role: 'user', content: question }]);
      if (said !== answer) mistakes.push(`${question} ${JSON.stringify(said)}, not ${JSON.stringify(answer)}`);
    }
    counts.push(items.length - mistakes.length);
    console.error(`${file} ${name}: ${items.length - mistakes.length} of ${items.length}`);
    for (const mistake of mistakes.slice(0, SHOWN_MISTAKES)) console.error(`  ${mistake}`);
  }
  session.close();
  await executor.close();
  await model.close();
  return counts;
}

/** As `apr run` does it: chat template, tokenizer, greedy decoding. */
async function ask({ text }: Model, session: Session, messages: ChatMessage[]): Promise<string> {
  const rendered = text.renderChat(messages, { addGenerationPrompt: true });
  const promptIds = text.encode(rendered, { parseSpecial: true, addBos: false });
  session.truncate(0);
  const tokens = generate(session, {
    promptIds,
    maxTokens: MAX_NEW_TOKENS,
    contextLength: CONTEXT_LENGTH,
    endIds: text.endIds,
    stream: text.openStream(promptIds),
  });
  let said = '';
  let next = await tokens.next();
  for (; next.done !== true; next = await tokens.next()) said += next.value.text;
  return said + next.value.text;
}

function accuracyTable(sets: readonly QuestionSet[], right: readonly number[][], isHeldOut: boolean): string {
  const head = ['questions', 'asked', ...FILES.map((file) => `\`${file}\``)];
  const rows = sets.flatMap(({ name, heldOut, items }, i) => {
    if (heldOut !== isHeldOut) return [];
    const cells = right.map((counts) => {
      const count = counts[i] ?? 0;
      return `${count} (${((100 * count) / items.length).toFixed(1)} %)`;
    });
    return [[name, String(items.length), ...cells]];
  });
  const rule = ['---', ...head.slice(1).map(() => '--:')];
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

const isCheck = process.argv.includes('--check');
const { sets } = JSON.parse(await readFile(new URL('sums-2m/questions.json', MODELS), 'utf8')) as {
  sets: QuestionSet[];
};
const right: number[][] = [];
for (const file of FILES) right.push(await countRight(file, sets));
const text = `\
Written by \`node scripts/accuracy.ts\`, which asks the CPU executor all of \`sums-2m/questions.json\`.

Held out: in no training row, in no wording.

${accuracyTable(sets, right, true)}
Seen in training, known by heart: recall, not ability.

${accuracyTable(sets, right, false)}`;

const readme = new URL('README.md', MODELS);
const old = await readFile(readme, 'utf8');
const [before, rest] = old.split(BEGIN);
const after = rest?.split(END)[1];
if (before === undefined || after === undefined) {
  throw new RefuteError({ code: 'E_README_MARKS', place: 'models/README.md', is: 'the marks of the table are gone' });
}
const wanted = `${before}${BEGIN}${text}${END}${after}`;
console.log(text);
if (!isCheck) await writeFile(readme, wanted);
else if (wanted !== old) {
  console.error('models/README.md says something else');
  process.exitCode = 1;
}
