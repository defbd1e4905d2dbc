// Runs a template's syntax tree with Python's values and Jinja2's scopes.
import { findEarlyNames, type EarlyNames } from './early-names.ts';
import { CONSTANTS, Expressions } from './expressions.ts';
import { Loop } from './loop.ts';
import { bindMacro, specialNames } from './macro.ts';
import { isTrue, iterate } from './operators.ts';
import { str } from './python-text.ts';
import { Scope } from './scope.ts';
import { INTERNAL, isStatement, type CallStatement, type For, type Node } from './syntax.ts';
import { Macro, Markup, Namespace, Undefined, notFollowed, raise, typeName, type Value } from './values.ts';
import { work } from './work.ts';

/** No prompt is longer; above it a template is broken or hostile. */
const MAX_OUTPUT = 64_000_000;

/** A little below where Python's own limit ends a macro that calls itself. */
const MAX_DEPTH = 190;

/** What ends the body of a loop before its end. */
type Jump = 'Break' | 'Continue' | null;

export class Interpreter {
  readonly #expressions = new Expressions();
  #earlyNames: EarlyNames = new Map();
  #written = 0;
  #depth = 0;

  run(program: Node, variables: Iterable<readonly [string, Value]>): string {
    this.#earlyNames = findEarlyNames(program.type === 'Program' ? program.body : []);
    const context = new Scope(null);
    for (const [name, value] of variables) context.set(name, value);
    return program.type === 'Program' ? this.#capture(program.body, this.#enter(program.body, context)) : '';
  }

  /** The scope of a list of statements that has one. */
  #enter(body: readonly Node[], outer: Scope): Scope {
    const scope = new Scope(outer);
    for (const name of this.#earlyNames.get(body) ?? []) scope.set(name, new Undefined(`'${name}' is undefined`));
    return scope;
  }

  #capture(nodes: readonly Node[], scope: Scope): string {
    const output: string[] = [];
    const jump = this.#execute(nodes, scope, output);
    if (jump !== null) notFollowed(`${jump.toLowerCase()} out of a block that is no loop`);
    return output.join('');
  }

  /** A macro or a recursive loop within another. */
  #nested(run: () => string): string {
    work();
    if (this.#depth >= MAX_DEPTH) notFollowed(`more than ${MAX_DEPTH} macros within each other`);
    this.#depth += 1;
    const text = run();
    this.#depth -= 1;
    return text;
  }

  #write(text: string, output: string[]): void {
    this.#written += text.length;
    if (this.#written > MAX_OUTPUT) notFollowed(`text of more than ${MAX_OUTPUT} characters`);
    output.push(text);
  }

  #execute(nodes: readonly Node[], scope: Scope, output: string[]): Jump {
    for (const node of nodes) {
      const jump = this.#statement(node, scope, output);
      if (jump !== null) return jump;
    }
    return null;
  }

  #statement(node: Node, scope: Scope, output: string[]): Jump {
    work();
    if (!isStatement(node)) {
      this.#write(str(this.#expressions.evaluate(node, scope)), output);
      return null;
    }
    switch (node.type) {
      case 'Comment':
        return null;
      case 'Program':
        return this.#execute(node.body, scope, output);
      case 'Break':
      case 'Continue':
        return node.type;
      case 'If':
        return this.#execute(
          isTrue(this.#expressions.evaluate(node.test, scope)) ? node.body : node.alternate,
          scope,
          output,
        );
      case 'For':
        this.#write(this.#loop(node, this.#loopItems(node, scope), scope, 0), output);
        return null;
      case 'Set':
        if (node.value === null)
          this.#assignBlock(node.assignee, this.#capture(node.body, this.#enter(node.body, scope)), scope);
        else this.#assign(node.assignee, this.#expressions.evaluate(node.value, scope), scope);
        return null;
      case 'Macro':
        scope.set(node.name.value, this.#macro(node.name.value, node.args, node.body, scope));
        return null;
      case 'CallStatement':
        return this.#callBlock(node, scope, output);
      case 'FilterStatement': {
        const text = this.#expressions.applyFilter(
          this.#capture(node.body, this.#enter(node.body, scope)),
          node.filter,
          scope,
        );
        if (typeof text !== 'string' && !(text instanceof Markup))
          raise('TypeError', `expected str instance, ${typeName(text)} found`);
        this.#write(str(text), output);
        return null;
      }
    }
  }

  /** A block's text, through the filters of `{% set x | trim %}`. */
  #assignBlock(target: Node, text: Value, scope: Scope): void {
    const filters: Node[] = [];
    let name = target;
    for (; name.type === 'FilterExpression'; name = name.operand) filters.unshift(name.filter);
    const value = filters.reduce((filtered, filter) => this.#expressions.applyFilter(filtered, filter, scope), text);
    this.#assign(name, value, scope);
  }

  #assign(target: Node, value: Value, scope: Scope): void {
    if (target.type === 'Identifier') {
      if (CONSTANTS.has(target.value)) raise('TemplateSyntaxError', `can't assign to '${target.value}'`);
      scope.set(target.value, value);
    } else if (target.type === 'TupleLiteral') {
      const items = [...iterate(value)];
      if (items.length !== target.value.length) {
        const problem = items.length < target.value.length ? 'not enough' : 'too many';
        raise('ValueError', `${problem} values to unpack (expected ${target.value.length}, got ${items.length})`);
      }
      target.value.forEach((part, i) => this.#assign(part, items[i] ?? null, scope));
    } else if (target.type === 'MemberExpression' && !target.computed && target.object.type === 'Identifier') {
      const owner = this.#expressions.evaluate(target.object, scope);
      if (!(owner instanceof Namespace))
        raise('TemplateRuntimeError', 'cannot assign attribute on non-namespace object');
      else if (target.property.type === 'Identifier') owner.set(target.property.value, value);
    } else {
      raise('TemplateSyntaxError', `can't assign to a ${target.type}`);
    }
  }

  #loopItems(node: For, scope: Scope): Value {
    return this.#expressions.evaluate(
      node.iterable.type === 'SelectExpression' ? node.iterable.lhs : node.iterable,
      scope,
    );
  }

  #loop(node: For, items: Value, scope: Scope, depth: number): string {
    const { target, isRecursive } = loopTarget(node.loopvar);
    const recurse = isRecursive
      ? (inner: Value, level: number): string => this.#nested(() => this.#loop(node, inner, scope, level))
      : null;
    const condition = node.iterable.type === 'SelectExpression' ? node.iterable.test : null;
    const chosen = condition === null ? iterate(items) : this.#chosen(items, target, condition, scope);
    const loop = new Loop(chosen, depth, recurse);
    const output: string[] = [];
    // Jinja2 asks whether the end of the body was reached once.
    let isUnfinished = true;
    for (let item = loop.next(); item !== undefined; item = loop.next()) {
      work();
      const inner = this.#enter(node.body, scope);
      inner.set('loop', loop);
      this.#assign(target, item, inner);
      const jump = this.#execute(node.body, inner, output);
      if (jump === 'Break') break;
      if (jump === null) isUnfinished = false;
    }
    if (isUnfinished) {
      const jump = this.#execute(node.defaultBlock, this.#enter(node.defaultBlock, scope), output);
      if (jump !== null) notFollowed(`${jump.toLowerCase()} in the else of a loop`);
    }
    return output.join('');
  }

  /** The items that meet the condition of a for statement, each looked at when its turn comes. */
  *#chosen(items: Value, target: Node, condition: Node, scope: Scope): Iterable<Value> {
    for (const item of iterate(items)) {
      const inner = new Scope(scope);
      this.#assign(target, item, inner);
      if (isTrue(this.#expressions.evaluate(condition, inner))) yield item;
    }
  }

  #macro(name: string | null, parameters: readonly Node[], body: readonly Node[], scope: Scope): Macro {
    const special = specialNames(body);
    return new Macro(name, (args, keywords) => {
      const inner = this.#enter(body, scope);
      bindMacro({ name, parameters, special }, args, keywords, inner, (node) =>
        this.#expressions.evaluate(node, inner),
      );
      return this.#nested(() => this.#capture(body, inner));
    });
  }

  #callBlock(node: CallStatement, scope: Scope, output: string[]): Jump {
    const { callee, args } = node.call;
    const parameters: readonly Node[] = node.callerArgs ?? [];
    if (callee.type === 'Identifier' && callee.value === INTERNAL.scope) {
      const inner = this.#enter(node.body, scope);
      const values = args.map((argument) => this.#expressions.evaluate(argument, scope));
      parameters.forEach((name, i) => this.#assign(name, values[i] ?? null, inner));
      return this.#execute(node.body, inner, output);
    }
    const caller = this.#macro(null, parameters, node.body, scope);
    if (callee.type === 'Identifier' && callee.value === INTERNAL.generation) {
      this.#write(str(caller.call([], new Map())), output);
      return null;
    }
    this.#write(
      str(
        this.#expressions.call(
          this.#expressions.evaluate(callee, scope),
          ...this.#expressions.arguments(args, scope, [['caller', caller]]),
        ),
      ),
      output,
    );
    return null;
  }
}

function loopTarget(node: Node): { target: Node; isRecursive: boolean } {
  const unmarked = (name: string): string => name.slice(INTERNAL.recursive.length);
  if (node.type === 'Identifier' && node.value.startsWith(INTERNAL.recursive)) {
    return { target: { ...node, value: unmarked(node.value) }, isRecursive: true };
  }
  if (node.type !== 'TupleLiteral') return { target: node, isRecursive: false };
  const [first, ...rest] = node.value;
  if (first === undefined) return { target: node, isRecursive: false };
  const { target, isRecursive } = loopTarget(first);
  return { target: isRecursive ? { ...node, value: [target, ...rest] } : node, isRecursive };
}
