// Texts that Transformers 5.23 with Jinja2 3.1.6 renders, written down with it.
import { expect, test } from 'vitest';
import { ChatTemplate } from '../../../src/engine/text/chat-template.ts';

function render(source: string, variables: Record<string, unknown> = {}): string {
  return new ChatTemplate(source).render([], { bos: '<s>', eos: '</s>' }, true, variables);
}

test.each([
  ["{{ [1,2.0,'a',None,True] }}", "[1, 2.0, 'a', None, True]"],
  ["{{ {'a':1,'b':[1,2],3:4,None:5} }}", "{'a': 1, 'b': [1, 2], 3: 4, None: 5}"],
  ['{{ (1,) }}', '(1,)'],
  ["{{ ['it\\'s'] }}", '["it\'s"]'],
  [
    "{{ ['\\n\\t\\r\\x00\\x7f\\x80\\xa0\u00e9\\u200b\\ufeff\ud83d\ude00'] }}",
    "['\\n\\t\\r\\x00\\x7f\\x80\\xa0\u00e9\\u200b\\ufeff\ud83d\ude00']",
  ],
  ['{{ 1e16 }}', '1e+16'],
  ['{{ 1e-05 }}', '1e-05'],
  ['{{ -0.0 }}', '-0.0'],
  ['{{ 9007199254740993 }}', '9007199254740993'],
  ["{{ '' if none else 'y' }}{{ none or 'z' }}", 'yz'],
  ["{{ missing ~ 'x' }}", 'x'],
  ['{{ range(1,7,2) }}', 'range(1, 7, 2)'],
  ["{{ {'a':1}.items() }}", "dict_items([('a', 1)])"],
  ["{{ namespace(a=1, b='x') }}", "<Namespace {'a': 1, 'b': 'x'}>"],
])('values print as Python prints them: %j', (source, text) => {
  expect(render(source)).toBe(text);
});

test.each([
  ['{{ -7//2 }}', '-4'],
  ['{{ -7%3 }}', '2'],
  ['{{ 7.5%-2 }}', '-0.5'],
  ['{{ 2**-1 }}', '0.5'],
  ['{{ 1_000 }}', '1000'],
  ['{{ 0x1F }}', '31'],
  ['{{ 2.675|round(2) }}', '2.67'],
  ['{{ 2.5|round }}', '2.0'],
  ['{{ 42|round }}', '42'],
  ["{{ '42.9'|int }}", '42'],
  ['{{ true + true }}', '2'],
])('numbers are Python numbers: %j', (source, text) => {
  expect(render(source)).toBe(text);
});

test.each([
  ['{{ 3 > 2 > 2 }}', 'False'],
  ['{{ (1 < 2) < 3 }}', 'True'],
  ['{{ 1 == true }}{{ 0 == false }}', 'TrueTrue'],
  ['{{ [1,2] == [1,2] }}', 'True'],
  ["{{ {'a':1} == {'a':1.0} }}", 'True'],
  ["{{ 'a' ~ 1 ~ none ~ [1] ~ 1.0 }}", 'a1None[1]1.0'],
  ['{{ -1.5|abs|string }}', '1.5'],
  ['{{ 6 is divisibleby 3 }}', 'True'],
  ['{{ 3 is not in [1,2] }}', 'True'],
  ["{{ {'a':[{'b':1}]}.a.0.b }}", '1'],
])('operators bind and compare as in Jinja2: %j', (source, text) => {
  expect(render(source)).toBe(text);
});

test.each([
  ["{{ 'a\ud83d\ude00b'|length }}", '3'],
  ["{{ 'a\ud83d\ude00b'[1] }}", '\ud83d\ude00'],
  ["{{ 'a\ud83d\ude00b'[::-1] }}", 'b\ud83d\ude00a'],
  ["{{ 'a\ud83d\ude00b'.find('b') }}", '2'],
  ["{{ 'xyaxy'.strip('yx') }}", 'a'],
  ["{{ '\\x1ca\\x85'.strip()|length }}", '1'],
  ["{{ '\\ufeffa'.strip()|length }}", '2'],
  ["{{ ' a b '.split(none, 1) }}", "['a', 'b ']"],
  ["{{ 'aaa'.rsplit('aa',1) }}", "['a', '']"],
  ["{{ 'a\\nb\\r\\nc\\x0bd\\x0ce\\x1cf\\x85g\\u2028h'.splitlines() }}", "['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']"],
  ["{{ '\u00df'.upper() }}", 'SS'],
  ["{{ '\u0149'.title() }}", '\u02bcN'],
  ["{{ '\u0391\u03a3 \u0391\u03a3\u0391'.title() }}", '\u0391\u03c2 \u0391\u03c3\u03b1'],
  ["{{ 'abc'.startswith(('x','a')) }}", 'True'],
  ["{{ 'a'.center(4,'*') }}", '*a**'],
  ['{{ x | default(default_value=none) }}', 'None'],
  ["{{ '%5.2f|%-5s|%05d|%x|%%' % (3.14159, 'ab', 42, 255) }}", ' 3.14|ab   |00042|ff|%'],
  ["{{ '{:05d} {:.2f} {:,} {:x} {:+}'.format(42, 3.14159, 1234567, 255, 3) }}", '00042 3.14 1,234,567 ff +3'],
  ["{{ '\\\u00e9' }}", '\\xe9'],
  ["{{ '\\d' }}", '\\d'],
])('strings count and cut code points: %j', (source, text) => {
  expect(render(source)).toBe(text);
});

test.each([
  ["{{ [{'a':{'b':1}}]|map(attribute='a.b')|list }}", '[1]'],
  ["{{ [{'a':1},{}]|map(attribute='a',default='x')|list }}", "[1, 'x']"],
  ["{{ [{'a':1},{'a':2}]|selectattr('a','equalto',2)|list }}", "[{'a': 2}]"],
  ["{{ [{'a':2},{'a':1}]|sort(attribute='a') }}", "[{'a': 1}, {'a': 2}]"],
  ["{{ [{'a':'X','b':1},{'a':'x','b':2}]|groupby('a') }}", "[('X', [{'a': 'X', 'b': 1}, {'a': 'x', 'b': 2}])]"],
  ["{{ ['a','A','b']|unique|list }}", "['a', 'b']"],
  ["{{ {'b':1,'A':2}|dictsort }}", "[('A', 2), ('b', 1)]"],
  ["{{ 'a\\nb\\n\\nc'|indent(2,true) }}", '  a\n  b\n\n  c'],
  ["{{ 'abc def ghi'|truncate(5,leeway=0) }}", 'ab...'],
  ["{{ [1,2,3,4,5]|batch(2,'x')|list }}", "[[1, 2], [3, 4], [5, 'x']]"],
  ["{{ ''|default('d',true) }}", 'd'],
  ["{{ none|default('d') }}", 'None'],
  ["{{ [1,none,'a',1.0]|join('-') }}", '1-None-a-1.0'],
  ["{{ ('<'|safe) + '<' }}", '<&lt;'],
])('filters take their arguments: %j', (source, text) => {
  expect(render(source)).toBe(text);
});

test.each([
  ["{{ {'a':1,'b':[1,2.0,none,true]}|tojson }}", '{"a": 1, "b": [1, 2.0, null, true]}'],
  ['{{ 1e16|tojson }}', '1e+16'],
  ['{{ -0.0|tojson }}', '-0.0'],
  ["{{ ('nan'|float)|tojson }}", 'NaN'],
  ["{{ '\u00e9\ud83d\ude00<>&\\'\\\"\\n\\x01\\x7f'|tojson }}", '"\u00e9\ud83d\ude00<>&\'\\"\\n\\u0001\u007f"'],
  ["{{ '\u00e9\ud83d\ude00\\x7f'|tojson(ensure_ascii=true) }}", '"\\u00e9\\ud83d\\ude00\\u007f"'],
  ["{{ {'a':{'b':[]},'c':{}}|tojson(indent=2) }}", '{\n  "a": {\n    "b": []\n  },\n  "c": {}\n}'],
  ["{{ {'a':1}|tojson(separators=(',',':')) }}", '{"a":1}'],
  ['{{ {1:2,none:3,true:4,1.5:5}|tojson }}', '{"1": 4, "null": 3, "1.5": 5}'],
])('tojson is json.dumps: %j', (source, text) => {
  expect(render(source)).toBe(text);
});

test.each([
  ['a\r\n{% if true %}\r\nb\r\n{% endif %}\r\nc\r\n', 'a\nb\nc'],
  ['x  {%+ if true +%}\n  y  {%+ endif +%}\n  z', 'x  \n  y  \n  z'],
  ['a{-b-}\nc{- d\n    {-x', 'a{-b-}\nc{- d\n    {-x'],
  ['x -}\ny #}\nz %}\nw }}\n', 'x -}\ny #}\nz %}\nw }}'],
  ["{{ '%}\n' }}|", '%}\n|'],
  ['  {% raw %}\n x\n  {% endraw %}\n y', '\n x\n y'],
  ['a\n{% generation %}\nb\n{% endgeneration %}\nc', 'a\nb\nc'],
  ["{{ {'a':{'b':1}}}}x", "{'a': {'b': 1}}x"],
  ['  {# c #}\n  x {# d #}\ny', '  x y'],
])('white space is cut as Jinja2 cuts it: %j', (source, text) => {
  expect(render(source)).toBe(text);
});

test.each([
  ['{% set x = 1 %}{% for i in [1,2] %}{{ x }}{% set x = i %}{{ x }}{% endfor %}{{ x }}', '11121'],
  ['{% for i in [1,2] %}{{ y }}{% set y = i %}{% endfor %}[{{ y }}]', '[]'],
  ['{% macro m() %}{{ y }}{% endmacro %}{% for y in [1] %}{{ m() }}{% endfor %}', ''],
  ['{% macro m(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1,2,3,x=2) }}', "1(2, 3){'x': 2}"],
  ['{% macro m() %}{{ caller(1,2) }}!{% endmacro %}{% call(a,b=5) m() %}{{ a }}{{ b }}{% endcall %}', '12!'],
  ['{% for x in [1,2,3] %}a{% if x == 2 %}b{% break %}{% endif %}c{% endfor %}', 'acab'],
  ['{% for x in [1] %}{% break %}{% else %}e{% endfor %}', 'e'],
  ['{% for x in [1,2,3] if x > 1 %}{{ x }}{{ loop.length }}{{ loop.index }}{% else %}none{% endfor %}', '221322'],
  [
    "{% for x in [{'n':'a','c':[{'n':'b','c':[]}]}] recursive %}{{ x.n }}{{ loop.depth }}{% if x.c %}({{ loop(x.c) }}){% endif %}{% endfor %}",
    'a1(b2)',
  ],
  ["{% set x | trim | upper | replace('B','-') %} abc {% endset %}{{ x }}", 'A-C'],
  ['{% set a = 5 %}{% with a = 1, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}', '155'],
  ["{% for x in [1,1,2] %}{{ loop.changed(x) }}{{ loop.cycle('a','b') }} {% endfor %}", 'Truea Falseb Truea '],
])('names live as long as in Jinja2: %j', (source, text) => {
  expect(render(source)).toBe(text);
});

test.each([
  ['{{ missing.foo }}', 'UndefinedError'],
  ['{{ missing + 1 }}', 'UndefinedError'],
  ["{{ 'a' + 1 }}", 'TypeError'],
  ["{{ 1 + 2 ~ 'a' }}", 'TypeError'],
  ['{{ none|length }}', 'TypeError'],
  ['{{ missing|tojson }}', 'TypeError'],
  ['{{ [1].append(2) }}', 'SecurityError'],
  ["{{ 'abc'.startswith(['a']) }}", 'TypeError'],
  ['{{ [1 2] }}', 'TemplateSyntaxError'],
  ['{{ 5 is defined is true }}', 'TemplateSyntaxError'],
  ["{{ 1 < 'a' }}", 'TypeError'],
  ["{{ [1,'a']|sort }}", 'TypeError'],
  ['{% for x in [1,2] if x else [3] %}{{ x }}{% endfor %}', 'TemplateSyntaxError'],
  ["{% for i in [] %}{{ 'x' | nofilter }}{% endfor %}a", 'TemplateAssertionError'],
  ['{% set d = {} %}{% set d.x = 1 %}', 'TemplateRuntimeError'],
  ['{% set true = 1 %}', 'TemplateSyntaxError'],
  ['{% do messages.append(1) %}', 'TemplateSyntaxError'],
  ['{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1,2) }}', 'TypeError'],
  ['{{ namespace(_a=1) }}', 'SecurityError'],
])('what Jinja2 refuses is refused: %j (%s)', (source) => {
  expect(() => render(source)).toThrow(expect.objectContaining({ code: 'E_CHAT_TEMPLATE' }));
});
test.each([
  ["{{ 'a b'|wordwrap(2) }}", 'the filter wordwrap'],
  ["{{ 'a'.upper }}", 'the text of a builtin_function_or_method'],
  ["{{ [1]|map('string') }}", 'the text of a generator'],
  ["{{ 'a'.__class__ }}", 'the attribute __class__'],
  ['{% block a %}b{% endblock %}', 'the statement block'],
  ["{{ strftime_now('%Q') }}", 'the directive %Q'],
  ['{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}', 'more than 190 macros'],
  ['{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}', 'a template of more than'],
  [`{{ ${'('.repeat(50_000)}1${')'.repeat(50_000)} }}`, 'more than 100 brackets'],
])('what is not followed is refused by name: %j', (source, name) => {
  expect(() => render(source)).toThrow(`it is not rendered: ${name}`);
});

test.each([
  ['{% if true %}a', "'endif' is missing for the tag in line 1"],
  ['a\n{% for x in [] %}{% if x %}{% endif %}', "'endfor' is missing for the tag in line 2"],
  ['{% set x %}a', "'endset' is missing"],
  ['{% if true %}{% endfor %}', "unknown tag 'endfor', expected 'endif'"],
])('a tag without its end is named: %j', (source, is) => {
  expect(() => render(source)).toThrow(is);
});

test('a deep subscript ends soon', { timeout: 5000 }, () => {
  expect(() => render(`{{ a${'[0]'.repeat(100_000)} }}`)).toThrow('nested too deep');
});

test.each(["{{ '%.2e' % 1.5 }}", "{{ '{:b}'.format(5) }}", "{{ '{:,x}'.format(5) }}", "{{ '%g' % 2.5 }}"])(
  'a rare format is refused: %s',
  (source) => {
    expect(() => render(source)).toThrow('is not followed here');
  },
);

test('absent tools and documents are none; names that nobody gives are undefined', () => {
  const source = '{{ tools is none }}{{ documents is none }}{{ pad_token is defined }}{{ enable_thinking is defined }}';
  expect(render(source)).toBe('TrueTrueFalseFalse');
  expect(() => render('{{ tools|length }}')).toThrow("object of type 'NoneType' has no len()");
  expect(render(source, { tools: [], enable_thinking: false })).toBe('FalseTrueFalseTrue');
});

test('a message has its reasoning under the names that templates read', () => {
  const message = { role: 'assistant', content: 'a', reasoning: 'r' } as const;
  const text = new ChatTemplate('{{ messages }}').render([message], {}, true);
  expect(text).toBe(
    "[{'thinking': 'r', 'role': 'assistant', 'content': 'a', 'reasoning': 'r', 'reasoning_content': 'r'}]",
  );
});

test('the order of a Map and None among its values stay', () => {
  const map = new Map<string, unknown>([
    ['10', null],
    ['2', 1.5],
  ]);
  expect(render("{{ m }}{{ m['10'] is none }}{{ m.get('10', 5) }}", { m: map })).toBe("{'10': None, '2': 1.5}TrueNone");
});

test.each([
  ['{% for i in [1] %}{{ tools }}{% endfor %}{% set tools = 1 %}', ''],
  ['{% for i in [1] %}{{ tools }}{% endfor %}{% if true %}{% set tools = 1 %}{% endif %}', 'None'],
  ['{% macro m() %}{{ tools }}{% endmacro %}{{ m() }}{% set tools = 1 %}{{ m() }}', '1'],
  ['{{ tools }}{% for i in [1] %}{{ tools }}{% endfor %}{% set tools = 1 %}', 'NoneNone'],
])('a name that is set first hides the variable of this name from the start: %s', (source, text) => {
  expect(render(source)).toBe(text);
});
