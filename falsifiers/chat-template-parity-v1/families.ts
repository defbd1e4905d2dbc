// Plain code that says what some of the recorded templates say, so that conversations can be searched.
import fc from 'fast-check';
import type { PartContext } from '../../src/runner/run/falsifier.ts';
import { hostileText } from '../tokenizer-parity-v1/strings.ts';
import { BOS, EOS, familyTemplates, render } from './recorded.ts';
import { json, strip, type Value } from './slow-python.ts';

interface Call {
  function: { name: string; arguments: Record<string, unknown> };
}

interface Message {
  role: 'system' | 'user' | 'assistant' | 'tool';
  content: string;
  tool_calls?: Call[];
}

interface Asked {
  messages: readonly Message[];
  addGenerationPrompt: boolean;
  tools: Record<string, unknown>[] | null;
}

/** What a template says; null where it refuses. */
type Plain = (asked: Asked) => string | null;

const trim = (text: string): string => strip(text, null);

/** The system message apart from the turns, as most templates take it. */
function parted({ messages }: Asked): { system: string | null; turns: readonly Message[] } {
  const [first] = messages;
  return first?.role === 'system'
    ? { system: first.content, turns: messages.slice(1) }
    : { system: null, turns: messages };
}

const alternates = (turns: readonly Message[]): boolean =>
  turns.every(({ role }, i) => (role === 'user') === (i % 2 === 0));

/** JSON values as Python has them: a whole number is an int. */
function pythonValue(of: unknown): Value {
  if (typeof of === 'number') return Number.isInteger(of) ? BigInt(of) : of;
  if (Array.isArray(of)) return of.map(pythonValue);
  if (typeof of !== 'object' || of === null) return of as Value;
  return new Map(Object.entries(of).map(([key, value]) => [key, pythonValue(value)]));
}

const asJson = (of: unknown): string => json(pythonValue(of));

export const PLAIN: Readonly<Record<string, Plain>> = {
  llama2(asked) {
    const { system, turns } = parted(asked);
    if (!alternates(turns)) return null;
    const lines = turns.map(({ role, content }, i) => {
      const whole = i === 0 && system !== null ? `((SETUP))\n${system}\n((END))\n\n${content}` : content;
      if (role === 'user') return `${BOS}[ASK] ${trim(whole)} [/ASK]`;
      return role === 'assistant' ? ` ${trim(whole)} ${EOS}` : '';
    });
    return lines.join('');
  },

  // Every block tag is on a line of its own, which goes with it; the line of a printed text stays.
  tinyllama({ messages, addGenerationPrompt }) {
    const names: Partial<Record<string, string>> = { user: 'u', system: 's', assistant: 'a' };
    const lines = messages.map(({ role, content }) =>
      names[role] === undefined ? '' : `<|${names[role]}|>\n${content}${EOS}\n`,
    );
    return lines.join('') + (addGenerationPrompt && messages.length > 0 ? '<|a|>\n' : '');
  },

  gemma3(asked) {
    const { system, turns } = parted(asked);
    if (!alternates(turns)) return null;
    const lines = turns.map(({ role, content }, i) => {
      const before = i === 0 && system !== null ? `${system}\n\n` : '';
      return `<turn>${role === 'assistant' ? 'model' : role}\n${before}${trim(content)}</turn>\n`;
    });
    return `${BOS}${lines.join('')}${asked.addGenerationPrompt ? '<turn>model\n' : ''}`;
  },

  'qwen2.5'(asked) {
    const { messages, tools, addGenerationPrompt } = asked;
    const { system } = parted(asked);
    let text = `<|from|>system\n${system ?? 'You are Q. Be of use.'}`;
    if (tools !== null && tools.length > 0) {
      text +=
        '\n\n# Instruments\n\nOne call or more may help.\n\nSignatures stand in <kit></kit>:\n<kit>' +
        tools.map((tool) => `\n${asJson(tool)}`).join('') +
        '\n</kit>\n\nA call is JSON in <call></call>:\n<call>\n{"name": <which>, "arguments": <json>}\n</call>';
    }
    text += '<|to|>\n';
    for (const [i, { role, content, tool_calls: calls = [] }] of messages.entries()) {
      const isCall = role === 'assistant' && calls.length > 0;
      if (role === 'tool') {
        if (messages[i - 1]?.role !== 'tool') text += '<|from|>user';
        text += `\n<got>\n${content}\n</got>`;
        if (messages[i + 1]?.role !== 'tool') text += '<|to|>\n';
      } else if (isCall) {
        text += `<|from|>assistant${content === '' ? '' : `\n${content}`}`;
        for (const { function: of } of calls) {
          text += `\n<call>\n{"name": "${of.name}", "arguments": ${asJson(of.arguments)}}\n</call>`;
        }
        text += '<|to|>\n';
      } else if (role !== 'system' || i > 0) text += `<|from|>${role}\n${content}<|to|>\n`;
    }
    return text + (addGenerationPrompt ? '<|from|>assistant\n' : '');
  },

  qwq(asked) {
    const { system, turns } = parted(asked);
    const lines = turns.map(({ role, content, tool_calls: calls = [] }, i) => {
      if (role === 'tool' || (role === 'assistant' && calls.length > 0)) return '';
      if (role !== 'assistant' || i === turns.length - 1) return `<|from|>${role}\n${content}<|to|>\n`;
      const said = strip(String(content.split('</muse>').at(-1)), '\n', 'left');
      return `<|from|>assistant\n${said}<|to|>\n`;
    });
    const head = system === null ? '' : `<|from|>system\n${system}<|to|>\n`;
    return head + lines.join('') + (asked.addGenerationPrompt ? '<|from|>assistant\n<muse>\n' : '');
  },

  'plain-log'({ messages, addGenerationPrompt }) {
    const lines = messages.map(({ role, content }) => {
      // Python's splitlines: the lines after the first are set in by two, the empty ones are not.
      const [first = '', ...others] = pythonLines(content.replaceAll('\r\n', '\n'));
      return `${role.toUpperCase()}: ${[first, ...others.map((line) => (line === '' ? '' : `  ${line}`))].join('\n')}`;
    });
    return lines.join('\n') + (addGenerationPrompt ? '\nASSISTANT:' : '');
  },

  sections({ messages }) {
    const roles = [...new Set(messages.map(({ role }) => role))].toSorted();
    const groups = roles.map((role) => `\n${role} x${messages.filter((one) => one.role === role).length}`);
    const threes = messages.flatMap((_, i) => (i % 3 === 0 ? [messages.slice(i, i + 3)] : []));
    const rows = threes.map((three) => `|${three.map(({ role }) => role).join(',')}`);
    const words = messages.map(({ role }) => role).join(' ');
    // The line end after a block tag goes with it.
    return `0${groups.join('')}${rows.join('')}${words.replaceAll('user', 'asker')}`;
  },
};

/** `splitlines` of the text and a line end, as `indent` has it: a last `\r` becomes one line end with it. */
function pythonLines(text: string): string[] {
  const others = Array.from('\r\v\f\x1c\x1d\x1e\x85\u2028\u2029');
  const ended = others.reduce((lines, end) => lines.replaceAll(end, '\n'), `${text}\n`.replaceAll('\r\n', '\n'));
  return ended.split('\n').slice(0, -1);
}

const MARKS = [
  '<muse>',
  '</muse>',
  '</muse>\n\n',
  '\n',
  '<got>',
  '<|to|>',
  BOS,
  '{{ 1 }}',
  '{% if %}',
  '\x1c',
  '\ufeff',
];
const content = fc
  .array(fc.oneof(fc.constantFrom(...MARKS), hostileText), { maxLength: 3 })
  .map((parts) => parts.join('').toWellFormed());

const leaf = fc.oneof(
  fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
  fc.integer({ min: -999, max: 999 }).map((value) => value + 0.25),
  fc.boolean(),
  fc.constant(null),
  content,
);
/** No key that looks like a number: JavaScript would put it first. */
const key = fc.constantFrom('a', 'z', 'b c', "it's", 'é', '"');
const object = fc.dictionary(
  key,
  fc.oneof(leaf, fc.array(leaf, { maxLength: 2 }), fc.dictionary(key, leaf, { maxKeys: 2 })),
  {
    maxKeys: 3,
  },
);
const call = fc.record({ function: fc.record({ name: fc.constantFrom('add', 'f_2'), arguments: object }) });
const turn: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ role: fc.constantFrom('user', 'assistant', 'tool'), content }),
  fc.record({
    role: fc.constant('assistant' as const),
    content,
    tool_calls: fc.array(call, { minLength: 1, maxLength: 2 }),
  }),
);

/** Half of them alternate, as most templates want it. */
const turns = fc.oneof(
  fc
    .array(content, { minLength: 1, maxLength: 5 })
    .map((contents) =>
      contents.map((text, i): Message => ({ role: i % 2 === 0 ? 'user' : 'assistant', content: text })),
    ),
  fc.array(turn, { minLength: 1, maxLength: 5 }),
);

const conversations: fc.Arbitrary<Asked & { family: string }> = fc
  .record({
    family: fc.constantFrom(...Object.keys(PLAIN)),
    system: fc.option(content, { nil: null }),
    turns,
    addGenerationPrompt: fc.boolean(),
    tools: fc.option(fc.array(object, { maxLength: 2 }), { nil: null }),
  })
  .map(({ system, turns: said, ...asked }) => ({
    ...asked,
    messages: system === null ? said : [{ role: 'system', content: system }, ...said],
  }));

export async function searchConversations(context: PartContext): Promise<void> {
  const templates = await familyTemplates(context);
  await context.search(conversations, context.planned, ({ family, ...asked }) => {
    const variables = asked.tools === null ? {} : { tools: asked.tools };
    const ours = render({ ...asked, source: templates[family] ?? '', variables });
    return ours === PLAIN[family]?.(asked) ? 0 : 1;
  });
}
