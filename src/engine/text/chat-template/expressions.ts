// Jinja2's expressions over Python's values.
import { attributeOrItem, itemOrAttribute } from './attributes.ts';
import { Dict } from './dict.ts';
import { callFilter, isFilter } from './filters.ts';
import {
  arithmetic,
  compare,
  concatenate,
  contains,
  equals,
  isTrue,
  iterate,
  negate,
  positive,
  slice,
} from './operators.ts';
import type { Scope } from './scope.ts';
import { INTERNAL, isExpression, type BinaryNode, type Node } from './syntax.ts';
import { callTest } from './tests.ts';
import { PyObject, Tuple, Undefined, notFollowed, raise, typeName, type Keywords, type Value } from './values.ts';
import { work } from './work.ts';

export const CONSTANTS: ReadonlyMap<string, Value> = new Map<string, Value>([
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
  ['none', null],
  ['None', null],
]);

export class Expressions {
  call(callee: Value, args: Value[], keywords: Keywords): Value {
    const call = callee instanceof PyObject ? callee.call : undefined;
    return call === undefined
      ? raise('TypeError', `'${typeName(callee)}' object is not callable`)
      : call(args, keywords);
  }

  arguments(nodes: readonly Node[], scope: Scope, more: [string, Value][] = []): [Value[], Keywords] {
    const args: Value[] = [];
    const keywords = new Map<string, Value>();
    const add = (name: string, value: Value): void => {
      if (keywords.has(name)) raise('TypeError', `got multiple values for keyword argument '${name}'`);
      keywords.set(name, value);
    };
    for (const node of nodes) {
      if (node.type === 'SpreadExpression') args.push(...iterate(this.evaluate(node.argument, scope)));
      else if (!node.type.startsWith('Keyword')) args.push(this.evaluate(node, scope));
    }
    for (const node of nodes) {
      if (node.type === 'KeywordArgumentExpression') add(node.key.value, this.evaluate(node.value, scope));
      if (node.type !== 'KeywordSpreadExpression') continue;
      const mapping = this.evaluate(node.argument, scope);
      if (!(mapping instanceof Dict))
        return raise('TypeError', `argument after ** must be a mapping, not ${typeName(mapping)}`);
      for (const [name, value] of mapping.items()) {
        add(typeof name === 'string' ? name : raise('TypeError', 'keywords must be strings'), value);
      }
    }
    for (const [name, value] of more) add(name, value);
    return [args, keywords];
  }

  applyFilter(value: Value, filter: Node, scope: Scope): Value {
    const callee = filter.type === 'CallExpression' ? filter.callee : filter;
    if (callee.type !== 'Identifier') return notFollowed('calling what a filter returns');
    const name = callee.value;
    const [args, keywords] =
      filter.type === 'CallExpression' ? this.arguments(filter.args, scope) : [[], new Map<string, Value>()];
    for (const prefix of [INTERNAL.is, INTERNAL.isNot]) {
      const isTest = name.startsWith(prefix) && (prefix === INTERNAL.isNot || !name.startsWith(INTERNAL.isNot));
      if (!isTest) continue;
      const test = name.slice(prefix.length);
      const holds = test === 'filter' ? isFilter(value) : callTest(test, value, args, keywords);
      return holds === (prefix === INTERNAL.is);
    }
    return callFilter(name, value, args, keywords);
  }

  evaluate(node: Node, scope: Scope): Value {
    work();
    if (!isExpression(node)) return raise('TemplateSyntaxError', `unexpected ${node.type}`);
    switch (node.type) {
      case 'IntegerLiteral':
        return BigInt(node.value);
      case 'FloatLiteral':
      case 'StringLiteral':
        return node.value;
      case 'ArrayLiteral':
        return node.value.map((item) => this.evaluate(item, scope));
      case 'TupleLiteral':
        return new Tuple(node.value.map((item) => this.evaluate(item, scope)));
      case 'ObjectLiteral': {
        const dict = new Dict();
        for (const [key, value] of node.value) dict.set(this.evaluate(key, scope), this.evaluate(value, scope));
        return dict;
      }
      case 'Identifier':
        return this.#name(node.value, scope);
      case 'MemberExpression':
        return this.#member(node, scope);
      case 'CallExpression': {
        if (node.callee.type === 'Identifier' && node.callee.value === INTERNAL.tuple) {
          return new Tuple(node.args.map((item) => this.evaluate(item, scope)));
        }
        const callee = this.evaluate(node.callee, scope);
        return this.call(callee, ...this.arguments(node.args, scope));
      }
      case 'FilterExpression':
        return this.applyFilter(this.evaluate(node.operand, scope), node.filter, scope);
      case 'UnaryExpression': {
        const value = this.evaluate(node.argument, scope);
        if (node.operator.value === 'not') return !isTrue(value);
        return node.operator.value === '-' ? negate(value) : positive(value);
      }
      case 'BinaryExpression':
        return this.#binary(node, scope);
      case 'Ternary':
        return this.evaluate(isTrue(this.evaluate(node.condition, scope)) ? node.trueExpr : node.falseExpr, scope);
      case 'SelectExpression':
        if (isTrue(this.evaluate(node.test, scope))) return this.evaluate(node.lhs, scope);
        return new Undefined('the inline if-expression evaluated to false and no else section was defined.');
      case 'SliceExpression':
        return raise('TemplateSyntaxError', 'a slice outside of a subscript');
    }
  }

  #name(name: string, scope: Scope): Value {
    const constant = CONSTANTS.get(name);
    if (constant !== undefined) return constant;
    const value = scope.get(name);
    if (value !== undefined) return value;
    if (name.startsWith(INTERNAL.integer)) return BigInt(name.slice(INTERNAL.integer.length));
    if (name === 'self' || name === 'super') notFollowed(`the name ${name}`);
    return new Undefined(`'${name}' is undefined`);
  }

  #member(node: Node & { type: 'MemberExpression' }, scope: Scope): Value {
    const object = this.evaluate(node.object, scope);
    const { property } = node;
    if (property.type === 'SliceExpression') {
      const bounds = [property.start, property.stop, property.step].map((bound) =>
        bound === undefined ? null : this.evaluate(bound, scope),
      );
      const [start = null, stop = null, step = null] = bounds;
      return slice(object, start, stop, step);
    }
    if (!node.computed && property.type === 'Identifier') return attributeOrItem(object, property.value);
    return itemOrAttribute(object, this.evaluate(property, scope));
  }

  #binary(node: BinaryNode, scope: Scope): Value {
    const { value: operator, type } = node.operator;
    if (operator === 'and' || operator === 'or') {
      const left = this.evaluate(node.left, scope);
      return isTrue(left) === (operator === 'and') ? this.evaluate(node.right, scope) : left;
    }
    if (type === 'ComparisonBinaryOperator') return this.#comparison(node, scope);
    if (type === 'AdditiveBinaryOperator') return this.#sum(node, scope);
    return arithmetic(operator, this.evaluate(node.left, scope), this.evaluate(node.right, scope));
  }

  /** `a < b == c` is a chain, as in Python: `a < b and b == c`. */
  #comparison(node: BinaryNode, scope: Scope): boolean {
    const { first, rest } = chainOf(node);
    let left = this.evaluate(first, scope);
    for (const [operator, operand] of rest) {
      const right = this.evaluate(operand, scope);
      if (!holds(operator, left, right)) return false;
      left = right;
    }
    return true;
  }

  /** `~` binds stronger than `+` and `-`, which the parser does not know. */
  #sum(node: BinaryNode, scope: Scope): Value {
    const { first, rest } = chainOf(node);
    let total: Value | null | undefined;
    let sign = '+';
    let term = this.evaluate(first, scope);
    for (const [operator, operand] of rest) {
      const value = this.evaluate(operand, scope);
      if (operator === '~') {
        term = concatenate(term, value);
        continue;
      }
      total = total === undefined ? term : arithmetic(sign, total, term);
      sign = operator;
      term = value;
    }
    return total === undefined ? term : arithmetic(sign, total, term);
  }
}

function holds(operator: string, left: Value, right: Value): boolean {
  switch (operator) {
    case '==':
      return equals(left, right);
    case '!=':
      return !equals(left, right);
    case 'in':
      return contains(right, left);
    case 'not in':
      return !contains(right, left);
    default:
      return compare(operator as '<' | '>' | '<=' | '>=', left, right);
  }
}

/** The operands of operators of one kind that stand in one pair of brackets, from left to right. */
function chainOf(node: BinaryNode): { first: Node; rest: [string, Node][] } {
  const rest: [string, Node][] = [];
  let first: Node = node;
  while (
    first.type === 'BinaryExpression' &&
    first.operator.type === node.operator.type &&
    first.operator.depth === node.operator.depth
  ) {
    rest.unshift([first.operator.value, first.right]);
    first = first.left;
  }
  return { first, rest };
}
