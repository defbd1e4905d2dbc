// Greedy text of the CPU engine beside llama.cpp's, on ten prompts: how many are the same ids to the end, and where
// one parts, by how little, and which of the two the same weights in double precision would have taken. A look for
// people, not a claim; of one prompt, `apr parity MODEL PROMPT --llama-cpp` says whether a difference counts.
//   node scripts/compare-greedy.ts MODEL [MAX_TOKENS]
import { openCpuExecutor } from '../src/engine/cpu/cpu-executor.ts';
import { argmax, generate, openModel, type Executor, type Model } from '../src/engine/index.ts';
import { logitsOf } from '../src/diagnosis/parity/index.ts';
import { loadLlamaCpp, type LlamaCppModel } from '../src/oracles/external/index.ts';
import { openFloat64Executor } from '../src/oracles/float64/float64-executor.ts';
import { renderPrompt } from '../src/cli/apr/render-prompt.ts';
import { printTable, right } from '../src/cli/terminal.ts';

const PROMPTS = [
  'What is 2+2?',
  'What is the capital of France?',
  'Write one sentence about the sea.',
  'List three colours.',
  'Who wrote Hamlet?',
  'Translate "good morning" into Spanish.',
  'Explain why the sky is blue in two sentences.',
  'def fibonacci(n):',
  'Give me a recipe for pancakes.',
  'What day comes after Monday?',
];

interface Row {
  prompt: string;
  same: number;
  ours: number[];
  theirs: number[];
  /** At the first difference: logit of our token less that of theirs, here, in llama.cpp, and in double precision. */
  margins: [ours: number, theirs: number, exact: number] | null;
}

const [path, maxTokensText = '48'] = process.argv.slice(2);
const maxTokens = Number(maxTokensText);
if (path === undefined || !Number.isSafeInteger(maxTokens) || maxTokens < 1) {
  console.error('node scripts/compare-greedy.ts MODEL [MAX_TOKENS]');
  process.exit(3);
}
const loaded = await loadLlamaCpp();
if (!loaded.available) {
  console.error(`nothing compared: ${loaded.reason}`);
  process.exit(2);
}
const model = await openModel(path);
const executor = await openCpuExecutor(model.program, model.weights);
const exact = await openFloat64Executor(model.program, model.weights);
const contextLength = Math.min(1024, model.program.contextLength);
const oracle = await loaded.llama.openModel(path, { contextLength, kvCache: 'f32' });
const rows: Row[] = [];
for (const prompt of PROMPTS) rows.push(await compare(prompt, model, executor, oracle));
print(rows);
await oracle.close();
await loaded.llama.close();
await executor.close();
await exact.close();
await model.close();

async function compare(prompt: string, model: Model, executor: Executor, oracle: LlamaCppModel): Promise<Row> {
  const { ids } = renderPrompt(model, prompt, {});
  const ours = await greedy(model, executor, ids);
  const theirs = await oracle.greedy(ids, maxTokens);
  const [at = -1] = [...Array.from({ length: Math.max(ours.length, theirs.length) }).keys()].filter(
    (i) => ours[i] !== theirs[i],
  );
  if (at === -1) return { prompt, same: ours.length, ours, theirs, margins: null };
  const before = [...ids, ...ours.slice(0, at)];
  const ourLogits = await logitsOf(executor, before, 'last');
  const theirLogits = (await oracle.logits(before)).subarray(-oracle.vocabSize);
  // Where one text has ended, its token is an end token, the likeliest in its own logits.
  const [a, b] = [ours[at] ?? argmax(ourLogits), theirs[at] ?? argmax(theirLogits)];
  const exactLogits = await logitsOf(exact, before, 'last');
  const margin = (logits: Float32Array | Float64Array): number => (logits[a] ?? 0) - (logits[b] ?? 0);
  return { prompt, same: at, ours, theirs, margins: [margin(ourLogits), margin(theirLogits), margin(exactLogits)] };
}

async function greedy(model: Model, executor: Executor, ids: readonly number[]): Promise<number[]> {
  const session = await executor.openSession(contextLength);
  const generated: number[] = [];
  const stream = model.text.openStream(ids);
  const options = { promptIds: ids, maxTokens, contextLength, endIds: model.text.endIds, stream };
  for await (const { id } of generate(session, options)) generated.push(id);
  session.close();
  return generated;
}

function print(rows: readonly Row[]): void {
  const figures = ['same', 'ours', 'llama.cpp', 'margin ours', 'margin llama.cpp', 'margin float64'].map(right);
  const cells = rows.map(({ prompt, same, ours, theirs, margins }) => [
    prompt,
    String(same),
    String(ours.length),
    String(theirs.length),
    ...(margins ?? []).map((margin) => margin.toFixed(4)),
  ]);
  printTable(['prompt', ...figures], cells);
  const equal = rows.filter(({ margins }) => margins === null).length;
  console.log(`${equal} of ${rows.length} prompts have the same ids to the end (at most ${maxTokens} tokens)`);
  console.log(
    "margin: logit of our token less that of llama.cpp's, at the first difference, on the same ids before it",
  );
  const parted = rows.flatMap(({ margins }) => (margins === null ? [] : [margins]));
  const asExact = parted.filter(([, , exact]) => exact > 0).length;
  console.log(`double precision over the same weights takes our token at ${asExact} of ${parted.length} differences`);
  const distance = parted.reduce((largest, [ours, , exact]) => Math.max(largest, Math.abs(ours - exact)), 0);
  console.log(`our margin is within ${distance.toExponential(1)} of double precision`);
}
