// What Jinja2 finds while it compiles a template, before anything is rendered.
import { isFilter } from './filters.ts';
import { INTERNAL, childrenOf, type Node } from './syntax.ts';
import { isTest } from './tests.ts';
import { raise } from './values.ts';

/** @throws PythonError for a filter or test that does not exist, outside of what an `if` decides on */
export function check(nodes: readonly Node[], isConditional = false): void {
  for (const node of nodes) checkNode(node, isConditional);
}

function checkNode(node: Node, isConditional: boolean): void {
  const { type } = node;
  if (type === 'If' || type === 'Ternary' || type === 'SelectExpression') return check(childrenOf(node), true);
  if (type === 'FilterExpression' && !isConditional) checkFilter(node.filter);
  if (type === 'FilterStatement') checkFilter(node.filter);
  const { around, block } = partsOf(node);
  check(around, isConditional);
  check(block);
}

/** What is evaluated in the scope around a block, and the block, whose names start anew. */
function partsOf(node: Node): { around: Node[]; block: Node[] } {
  const children = childrenOf(node);
  const split = (around: Node[]): { around: Node[]; block: Node[] } => {
    return { around, block: children.filter((child) => !around.includes(child)) };
  };
  switch (node.type as string) {
    case 'CallStatement':
      return split(children.slice(0, 1));
    case 'Macro':
    case 'FilterStatement':
      return split([]);
  }
  if (node.type === 'Set' && node.value === null) return split([]);
  if (node.type !== 'For') return split(children);
  const { loopvar, iterable, body, defaultBlock } = node;
  if (iterable.type !== 'SelectExpression') return split([iterable]);
  return { around: [iterable.lhs], block: [loopvar, iterable.test, ...body, ...defaultBlock] };
}

function checkFilter(filter: Node): void {
  const callee = filter.type === 'CallExpression' ? filter.callee : filter;
  if (callee.type !== 'Identifier') return;
  const name = callee.value;
  const prefix = [INTERNAL.isNot, INTERNAL.is].find((word) => name.startsWith(word));
  if (prefix !== undefined && !isTest(name.slice(prefix.length))) {
    raise('TemplateAssertionError', `No test named '${name.slice(prefix.length)}'.`);
  }
  if (prefix === undefined && !isFilter(name)) raise('TemplateAssertionError', `No filter named '${name}'.`);
}
