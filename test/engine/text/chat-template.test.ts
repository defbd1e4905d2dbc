import { expect, onTestFinished, test, vi } from 'vitest';
import { ChatTemplate } from '../../../src/engine/text/chat-template.ts';

const TEXTS = { bos: '<s>', eos: '</s>' };
const MESSAGES = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Hi' },
] as const;

function render(source: string): string {
  return new ChatTemplate(source).render(MESSAGES, TEXTS, true);
}

test('renders messages, special texts and the generation prompt', () => {
  const source =
    "{{ bos_token }}{% for m in messages %}[{{ m['role'] }}] {{ m.content | trim }}{{ eos_token }}{% endfor %}" +
    '{% if add_generation_prompt %}[assistant]{% endif %}';
  expect(render(source)).toBe('<s>[system] Be brief.</s>[user] Hi</s>[assistant]');
});

test('trims blocks and the last line end as Transformers does', () => {
  expect(render('{% if true %}\n  a\n  {% endif %}\nb\n')).toBe('  a\nb');
});

test('what templates look for and is not there is undefined, not an error', () => {
  expect(render('{% if enable_thinking is defined %}it{% else %}none{% endif %}{{ range(2, 8, 3) | join(",") }}')).toBe(
    'none2,5',
  );
});

test.each([
  ['one that does not parse', '{% for %}', 'E_CHAT_TEMPLATE'],
  ['one that fails', '{{ missing.call() }}', 'E_CHAT_TEMPLATE'],
  ['one that refuses the messages', "{{ raise_exception('roles must alternate') }}", 'E_CHAT_TEMPLATE_REFUSED'],
  ['a range of a billion', '{% for i in range(1000000000) %}{% endfor %}', 'E_CHAT_TEMPLATE'],
  ['two million characters', ' '.repeat(2_000_000), 'E_CHAT_TEMPLATE'],
])('an error with a code for %s', (_, source, code) => {
  expect(() => render(source)).toThrow(expect.objectContaining({ code }));
});

test('the refusal keeps the words of the template', () => {
  expect(() => render("{{ raise_exception('roles must alternate') }}")).toThrow('roles must alternate');
});

test('the clock speaks English, whatever the machine speaks', () => {
  vi.useFakeTimers({ now: new Date(2026, 6, 4, 9, 5, 7) });
  onTestFinished(() => void vi.useRealTimers());
  const shown = render("{{ strftime_now('%d %b %Y, %A %B %m/%y %H:%M:%S %%') }}");
  expect(shown).toBe('04 Jul 2026, Saturday July 07/26 09:05:07 %');
  expect(new ChatTemplate("{{ strftime_now('%Y') }}").readsClock).toBe(true);
});
