// Tries to find a value of llama.cpp that is handed on under the name of another, a bit of its answer that goes by how it
// is asked, and an end of its process that is not an error of ours. Not claimed: that llama.cpp computes what it should;
// for that there is apr check, which reads these values.
import type { Falsifier } from '../src/runner/run/falsifier.ts';
import { plants } from './kit/claims/plants.ts';
import { generatedAnswers, trainedAnswers } from './llama-cpp-subject-v1/answers.ts';
import { generatedEnds, trainedEnds } from './llama-cpp-subject-v1/ends.ts';
import { generatedNames, namesOfTransformers, trainedNames } from './llama-cpp-subject-v1/names.ts';

const NAME_FAULTS = plants`
src/oracles/external/llama-cpp-subject/child.ts
gross gate-is-up: gate and up have each other's name
- answer({ type: 'value', value }, rows)
+ answer({ type: 'value', value: value.replace(/ffn_(gate|up)$/, (_, part) => (part === 'up' ? 'ffn_gate' : 'ffn_up')) }, rows)
small before-the-bias: products are read after the bias was added, and what has a bias before
- answer({ type: 'value', value }, rows)
+ answer({ type: 'value', value: value.replace(/_(bias|matmul)$/, (_, part) => (part === 'bias' ? '_matmul' : '_bias')) }, rows)
src/oracles/external/llama-cpp-subject/llama-cpp-session.ts
gross rows-shifted: every value begins with its second row
- await tap.onValue(id, data, firstPosition);
+ await tap.onValue(id, data.map((_, i) => data[(i + channelCount) % data.length] ?? 0), firstPosition);
src/oracles/external/llama-cpp-subject/graph-forms.ts
gross heads-first: attention is read as llama.cpp computes it, head by head
- \`CONT(MUL_MAT(\${turn(v)},SOFT_MAX(\${score})))\`
+ \`MUL_MAT(\${turn(v)},SOFT_MAX(\${score}))\`
src/oracles/external/llama-cpp-subject/tensor.ts
small strides-ignored in oracle: a view is read as if nothing lay between its rows, of all experts those used
- numbers[a * s0 + b * s1 + c * s2 + d * s3]
+ numbers[i - 1]
small one-element: the first element of a value is the second
- if (numbers instanceof Float32Array && numbers.length === count) return numbers;
+ if (numbers instanceof Float32Array && numbers.length === count) return numbers.fill(numbers[1] ?? 0, 0, 1);
`;

const ANSWER_FAULTS = plants`
src/oracles/external/llama-cpp-subject/child-model.ts
gross nothing-forgotten: what a session is to forget stays in the cache, one position later
- if (!forget(memoryOf(context), 0, firstPosition, -1)) {
+ if (!forget(memoryOf(context), 0, firstPosition + 1, -1)) {
gross only-the-last-row: logits are computed of the last row alone, the others are what was there
- this.#decodeBatch(context, tokens, firstPosition, () => true);
+ this.#decodeBatch(context, tokens, firstPosition, (row) => row === tokens.length - 1);
small one-too-early: the last row of the logits begins one too early
- rows.subarray(rows.length - vocabSize)
+ rows.subarray(rows.length - vocabSize - 1, rows.length - 1)
`;

const END_FAULTS = plants`
src/oracles/external/llama-cpp-subject/child-process.ts
gross death-is-an-answer: the end of the pipe is taken for the last answer
- if (frame === null) throw await this.#die();
+ if (frame === null) return new Uint8Array(0);
small nothing-said: what the library said is lost
- const said = lastLines(this.#log);
+ const said = '';
`;

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-LCS-001': {
    parts: { generated: generatedNames, live: trainedNames, oracle: namesOfTransformers },
    faults: NAME_FAULTS,
  },
  'FALSIFY-LCS-002': { parts: { generated: generatedAnswers, live: trainedAnswers }, faults: ANSWER_FAULTS },
  'FALSIFY-LCS-003': { parts: { generated: generatedEnds, live: trainedEnds }, faults: END_FAULTS },
};
