// Jinja2 decides while it compiles which variable a name is. One that a block sets before it names it otherwise is the
// block's own from its first line on: a loop or macro that reads it before it is set finds nothing, though the
// template is given a variable of this name.
import { INTERNAL, childrenOf, type Node } from './syntax.ts';

/** The names that are undefined where a list of statements begins, for each list with a scope of its own. */
export type EarlyNames = ReadonlyMap<readonly Node[], ReadonlySet<string>>;

export function findEarlyNames(program: readonly Node[]): EarlyNames {
  const found = new Map<readonly Node[], ReadonlySet<string>>();
  const enter = (body: readonly Node[], frame: Frame): void => {
    frame.visit(body);
    found.set(body, frame.early);
    descend(body, frame);
  };
  const descend = (nodes: readonly Node[], frame: Frame): void => {
    for (const node of nodes) {
      if (node.type === 'If') {
        descend(node.body, frame);
        descend(node.alternate, frame);
      } else if (node.type === 'For') {
        enter(node.body, new Frame(frame, [...namesIn(node.loopvar), 'loop']));
        enter(node.defaultBlock, new Frame(frame));
      } else if (node.type === 'Macro') {
        enter(node.body, new Frame(frame, [...node.args.flatMap(namesIn), ...SPECIAL]));
      } else if (node.type === 'CallStatement') {
        enter(node.body, new Frame(frame, [...(node.callerArgs ?? []).flatMap(namesIn), ...SPECIAL]));
      } else if (node.type === 'FilterStatement' || (node.type === 'Set' && node.value === null)) {
        enter(node.body, new Frame(frame));
      }
    }
  };
  enter(program, new Frame(null));
  return found;
}

const SPECIAL = ['caller', 'kwargs', 'varargs'];

/** Every variable that is read in an expression. */
function namesIn(node: Node): string[] {
  if (node.type === 'Identifier') return [node.value.replace(INTERNAL.recursive, '')];
  if (node.type === 'MemberExpression' && !node.computed) return namesIn(node.object);
  if (node.type === 'KeywordArgumentExpression') return [node.key.value, ...namesIn(node.value)];
  return childrenOf(node).flatMap(namesIn);
}

class Frame {
  readonly early = new Set<string>();
  readonly #outer: Frame | null;
  readonly #names: Set<string>;
  readonly #set = new Set<string>();

  constructor(outer: Frame | null, names: readonly string[] = []) {
    this.#outer = outer;
    this.#names = new Set(names);
  }

  #knows(name: string): boolean {
    return this.#names.has(name) || (this.#outer !== null && this.#outer.#knows(name));
  }

  #reads(node: Node): void {
    for (const name of namesIn(node)) if (!this.#knows(name)) this.#names.add(name);
  }

  #sets(target: Node): void {
    if (target.type === 'MemberExpression') return this.#reads(target.object);
    if (target.type === 'FilterExpression') return this.#sets(target.operand);
    for (const name of namesIn(target)) {
      this.#set.add(name);
      if (!this.#knows(name)) this.early.add(name);
      this.#names.add(name);
    }
  }

  visit(nodes: readonly Node[]): void {
    for (const node of nodes) {
      if (node.type === 'Set') {
        if (node.value !== null) this.#reads(node.value);
        this.#sets(node.assignee);
      } else if (node.type === 'Macro') {
        this.#sets(node.name);
      } else if (node.type === 'For') {
        this.#reads(node.iterable.type === 'SelectExpression' ? node.iterable.lhs : node.iterable);
      } else if (node.type === 'CallStatement') {
        this.#reads(node.call);
      } else if (node.type === 'FilterStatement') {
        if (node.filter.type === 'CallExpression') node.filter.args.forEach((argument) => this.#reads(argument));
      } else if (node.type === 'If') {
        this.#visitIf(node);
      } else {
        this.#reads(node);
      }
    }
  }

  /** A name that a branch sets first is looked for outside. */
  #visitIf(node: Node & { type: 'If' }): void {
    this.#reads(node.test);
    const branches = [node.body, node.alternate].map((body) => {
      const branch = this.#copy();
      branch.visit(body);
      return branch;
    });
    const before = new Set(this.#set);
    for (const branch of branches) {
      for (const name of branch.#names) this.#names.add(name);
      for (const name of branch.#set) {
        this.#set.add(name);
        if (!before.has(name)) this.early.delete(name);
      }
    }
  }

  #copy(): Frame {
    const copy = new Frame(this.#outer, [...this.#names]);
    for (const name of this.early) copy.early.add(name);
    for (const name of this.#set) copy.#set.add(name);
    return copy;
  }
}
