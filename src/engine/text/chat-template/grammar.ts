// The tokens of each tag, rewritten where the library's parser reads something else than Jinja2's: tests become
// filters (it knows none with arguments), tuples become calls (it knows no `()` and no `(1,)`), and what stands
// together without an operator or a comma is refused (it takes `[1 2]`).
import type { Part } from './lexer.ts';
import { INTERNAL, type Token } from './syntax.ts';
import { notFollowed, raise } from './values.ts';

export function arrange(parts: readonly Part[]): Token[] {
  const open: OpenBlock[] = [];
  const tokens = parts.flatMap((part) => {
    if (part.kind === 'text') return [token('Text', part.text)];
    try {
      return part.kind === 'expression'
        ? [token('OpenExpression', '{{'), ...expression(part.tokens, { isTuple: true }), token('CloseExpression', '}}')]
        : statement(part, open);
    } catch (error) {
      if (error instanceof Error) error.message += `, line ${part.line}`;
      throw error;
    }
  });
  const left = open.at(-1);
  if (left !== undefined) fail(`'${left.end}' is missing for the tag in line ${left.line}`);
  return tokens;
}

function token(type: string, value: string, depth = 0): Token {
  return { type, value, depth };
}

function fail(message: string): never {
  return raise('TemplateSyntaxError', message);
}

function block(...tokens: Token[]): Token[] {
  return [token('OpenStatement', '{%'), ...tokens, token('CloseStatement', '%}')];
}

/** Statements of Jinja2 that no chat template in use has. */
const UNFOLLOWED = new Set(['block', 'endblock', 'autoescape', 'endautoescape', 'print']);
const WITHOUT_LOADER = new Set(['include', 'import', 'from', 'extends']);

/** A block that is not at its end; the parser is given it as one or more, some of another name. */
interface OpenBlock {
  end: string;
  count: number;
  line: number;
}

function statement({ tokens, line }: { tokens: readonly Token[]; line: number }, open: OpenBlock[]): Token[] {
  const [head, ...rest] = tokens;
  if (head?.type !== 'Identifier') return fail('tag name expected');
  const enter = (count = 1): unknown => open.push({ end: `end${head.value}`, count, line });
  // A colon may end a statement that opens a block.
  const body = rest.at(-1)?.type === 'Colon' && rest.at(-1)?.depth === 0 ? rest.slice(0, -1) : rest;
  if (body.length < rest.length && !OPENS.has(head.value)) return fail("unexpected ':'");
  switch (head.value) {
    case 'for':
      enter();
      return block(head, ...loop(body));
    case 'set':
      if (!body.some(isAssignment)) enter();
      return block(head, ...assignment(body));
    case 'if':
    case 'macro':
      enter();
      return block(head, ...expression(body));
    case 'call':
      enter();
      return block(head, ...callHead(body));
    case 'generation':
      if (body.length > 0) return fail('unexpected words after generation');
      enter();
      return scope(INTERNAL.generation, [], []);
    case 'with':
      enter();
      return withScope(body);
    case 'filter': {
      // One block for each filter, the first innermost; the parser knows one a block.
      const filters = split(body, 'Pipe');
      enter(filters.length);
      return filters.toReversed().flatMap((filter) => block(head, ...expression(filter)));
    }
    case 'endfor':
    case 'endset':
    case 'endif':
    case 'endmacro':
    case 'endcall':
    case 'endfilter':
    case 'endgeneration':
    case 'endwith': {
      const opened = open.pop();
      if (opened?.end !== head.value) return fail(`unknown tag '${head.value}', expected '${opened?.end ?? 'text'}'`);
      if (rest.length > 0) return fail(`unexpected words after ${head.value}`);
      const isOther = head.value === 'endgeneration' || head.value === 'endwith';
      const end = isOther ? token('Identifier', 'endcall') : head;
      return Array.from({ length: opened.count }, () => block(end)).flat();
    }
    default:
      if (UNFOLLOWED.has(head.value)) return notFollowed(`the statement ${head.value}`);
      if (WITHOUT_LOADER.has(head.value))
        return raise('TypeError', `no loader for this environment specified (${head.value})`);
      return block(head, ...expression(body));
  }
}

const OPENS = new Set('for if elif else macro call filter set with generation'.split(' '));

/** A call block around what has a scope of its own: `with`, and Transformers' `generation`. */
function scope(name: string, names: Token[], values: Token[]): Token[] {
  const list = (items: Token[]): Token[] => [token('OpenParen', '('), ...items, token('CloseParen', ')')];
  return block(token('Identifier', 'call'), ...list(names), token('Identifier', name), ...list(values));
}

function withScope(tokens: readonly Token[]): Token[] {
  const comma = (items: Token[][]): Token[] =>
    items.flatMap((item, i) => (i === 0 ? item : [token('Comma', ','), ...item]));
  const pairs = tokens.length === 0 ? [] : split(tokens, 'Comma');
  for (const [name, equals] of pairs) {
    if (name?.type !== 'Identifier' || equals?.type !== 'Equals') return notFollowed('a with statement of this shape');
  }
  const names = comma(pairs.map((pair) => pair.slice(0, 1)));
  return scope(INTERNAL.scope, names, comma(pairs.map((pair) => expression(pair.slice(2)))));
}

function split(tokens: readonly Token[], type: string): Token[][] {
  const parts: Token[][] = [[]];
  for (const item of tokens) {
    if (item.type === type && item.depth === 0) parts.push([]);
    else parts.at(-1)?.push(item);
  }
  return parts;
}

function loop(tokens: readonly Token[]): Token[] {
  const at = tokens.findIndex((item) => isWord(item, 'in') && item.depth === 0);
  if (at < 1) return fail("expected token 'in'");
  const [target, rest] = [tokens.slice(0, at), tokens.slice(at + 1)];
  if (target.some((item) => item.value === 'loop')) fail("can't assign to special loop variable in for-loop target");
  const isRecursive = rest.length > 1 && isWord(rest.at(-1), 'recursive') && rest.at(-2)?.type !== 'Dot';
  const source = isRecursive ? rest.slice(0, -1) : rest;
  const condition = source.findIndex(
    (item, i) => isWord(item, 'if') && item.depth === 0 && source[i - 1]?.type !== 'Dot',
  );
  const iterable = condition < 0 ? source : source.slice(0, condition);
  const test = condition < 0 ? [] : source.slice(condition);
  // The parser cannot tell the condition of the loop from that of its iterable.
  if (iterable[0]?.type === 'OpenParen' && iterable.some((item) => isWord(item, 'if'))) {
    const isChoice = iterable.some((item) => isWord(item, 'else'));
    if (!isChoice) notFollowed('a loop over an expression with if and no else');
  }
  if (source.some((item, i) => isWord(item, 'else') && item.depth === 0 && source[i - 1]?.type !== 'Dot')) {
    fail("unexpected 'else' in a for statement");
  }
  const first = target.findIndex((item) => item.type === 'Identifier');
  const marked = target.map((item, i) =>
    isRecursive && i === first ? { ...item, value: INTERNAL.recursive + item.value } : item,
  );
  return [...marked, token('Identifier', 'in'), ...expression(iterable, { isTuple: true }), ...expression(test)];
}

function isAssignment({ type, depth }: Token): boolean {
  return type === 'Equals' && depth === 0;
}

function assignment(tokens: readonly Token[]): Token[] {
  const at = tokens.findIndex(isAssignment);
  if (at < 0) return expression(tokens);
  return [...tokens.slice(0, at), token('Equals', '='), ...expression(tokens.slice(at + 1), { isTuple: true })];
}

/** `(parameters) name(arguments)`. */
function callHead(tokens: readonly Token[]): Token[] {
  if (tokens[0]?.type !== 'OpenParen') return expression(tokens);
  const end = closingOf(tokens, 0);
  const parameters = expression(tokens.slice(1, end));
  return [token('OpenParen', '('), ...parameters, token('CloseParen', ')'), ...expression(tokens.slice(end + 1))];
}

function isWord(item: Token | undefined, word: string): boolean {
  return item?.type === 'Identifier' && item.value === word;
}

function closingOf(tokens: readonly Token[], at: number): number {
  const depth = tokens[at]?.depth;
  let end = at + 1;
  while (end < tokens.length && (tokens[end]?.depth !== depth || tokens[end]?.type.startsWith('Close') !== true))
    end += 1;
  return end;
}

const OPERATOR_WORDS = new Set(['and', 'or', 'not', 'in', 'is', 'if', 'else']);

function endsOperand(item: Token | undefined, before: Token | undefined): boolean {
  if (item === undefined) return false;
  if (item.type === 'Identifier') return before?.type === 'Dot' || !OPERATOR_WORDS.has(item.value);
  return /^Close|Literal$/.test(item.type);
}

function startsOperand(item: Token): boolean {
  if (item.type === 'Identifier') return !OPERATOR_WORDS.has(item.value);
  return item.type.endsWith('Literal') || item.type === 'OpenCurlyBracket';
}

/** @param options.isTuple commas outside of brackets make a tuple */
function expression(tokens: readonly Token[], { isTuple = false } = {}): Token[] {
  if (isTuple && tokens.some((item) => item.type === 'Comma' && item.depth === 0)) return tupleOf(tokens);
  const result: Token[] = [];
  for (let at = 0; at < tokens.length; at += 1) {
    const item = tokens[at] as Token;
    const [last, before] = [result.at(-1), result.at(-2)];
    const follows = endsOperand(last, before);
    if (isWord(item, 'is') && follows) {
      const test = testAt(tokens, at);
      result.push(...test.tokens);
      at = test.last;
      continue;
    }
    if (follows && isWord(item, 'not') && isWord(tokens[at + 1], 'in')) {
      // One operator with a depth; the parser would make one without.
      result.push({ ...item, type: 'ComparisonBinaryOperator', value: 'not in' });
      at += 1;
      continue;
    }
    if (follows && isWord(item, 'in')) {
      result.push({ ...item, type: 'ComparisonBinaryOperator' });
      continue;
    }
    if (follows && startsOperand(item) && !(last?.type === 'StringLiteral' && item.type === 'StringLiteral')) {
      fail(`unexpected '${item.value}' after '${last?.value}'`);
    }
    if (item.type === 'Comma' && (last === undefined || last.type === 'Comma')) fail("unexpected ','");
    if (!item.type.startsWith('Open')) {
      result.push(item);
      continue;
    }
    const end = closingOf(tokens, at);
    const inner = tokens.slice(at + 1, end);
    const isGroup = item.type === 'OpenParen' && !follows;
    if (isGroup && (inner.length === 0 || inner.some((i) => i.type === 'Comma' && i.depth === item.depth + 1))) {
      result.push(...tupleOf(inner));
    } else {
      result.push(item, ...inside(inner), tokens[end] as Token);
    }
    at = end;
  }
  return result;
}

function inside(tokens: readonly Token[]): Token[] {
  if (tokens[0]?.type === 'Comma') fail("unexpected ','");
  return expression(tokens);
}

function tupleOf(items: readonly Token[]): Token[] {
  return [token('Identifier', INTERNAL.tuple), token('OpenParen', '('), ...inside(items), token('CloseParen', ')')];
}

/** `is [not] name [argument]` as a filter, which binds as a test does in Jinja2. */
function testAt(tokens: readonly Token[], at: number): { tokens: Token[]; last: number } {
  const isNegated = isWord(tokens[at + 1], 'not');
  const nameAt = at + (isNegated ? 2 : 1);
  const name = tokens[nameAt];
  if (name?.type !== 'Identifier') return fail('a name is expected after is');
  if (tokens[nameAt + 1]?.type === 'Dot') return fail(`No test named '${name.value}.…'`);
  const filter = [token('Pipe', '|'), token('Identifier', (isNegated ? INTERNAL.isNot : INTERNAL.is) + name.value)];
  const next = tokens[nameAt + 1];
  if (next?.type === 'OpenParen') {
    const end = closingOf(tokens, nameAt + 1);
    return { tokens: [...filter, next, ...inside(tokens.slice(nameAt + 2, end)), tokens[end] as Token], last: end };
  }
  const startsArgument =
    next !== undefined && /^(?:Identifier|.*Literal|OpenSquareBracket|OpenCurlyBracket)$/.test(next.type);
  const ends = ['else', 'or', 'and'].some((word) => isWord(next, word));
  if (!startsArgument || ends) return { tokens: filter, last: nameAt };
  if (isWord(next, 'is')) return fail('You cannot chain multiple tests with is');
  const last = operandEnd(tokens, nameAt + 1);
  const argument = expression(tokens.slice(nameAt + 1, last + 1));
  return { tokens: [...filter, token('OpenParen', '('), ...argument, token('CloseParen', ')')], last };
}

/** The last token of a name or literal and of what is looked up in it or called. */
function operandEnd(tokens: readonly Token[], at: number): number {
  let last = tokens[at]?.type.startsWith('Open') === true ? closingOf(tokens, at) : at;
  while (tokens[last]?.type === 'StringLiteral' && tokens[last + 1]?.type === 'StringLiteral') last += 1;
  for (;;) {
    const next = tokens[last + 1]?.type;
    if (next === 'Dot') last += 2;
    else if (next === 'OpenParen' || next === 'OpenSquareBracket') last = closingOf(tokens, last + 1);
    else return last;
  }
}
