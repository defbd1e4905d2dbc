// The arguments of a macro, bound as Jinja2 binds them.
import type { Scope } from './scope.ts';
import { childrenOf, type Node } from './syntax.ts';
import { Dict } from './dict.ts';
import { Tuple, Undefined, raise, type Keywords, type Value } from './values.ts';

type Special = 'caller' | 'kwargs' | 'varargs';

/** Which of the names that Jinja2 fills in a macro's body reads: it takes no others than those. */
export function specialNames(body: readonly Node[]): ReadonlySet<Special> {
  const found = new Set<Special>();
  const visit = (node: Node): void => {
    if (node.type === 'Identifier' && ['caller', 'kwargs', 'varargs'].includes(node.value)) {
      found.add(node.value as Special);
    }
    // The name after a point, of a keyword argument or a filter is no variable.
    if (node.type === 'MemberExpression' && !node.computed) return visit(node.object);
    if (node.type === 'KeywordArgumentExpression') return visit(node.value);
    childrenOf(node).forEach(visit);
  };
  body.forEach(visit);
  return found;
}

interface Signature {
  name: string | null;
  parameters: readonly Node[];
  special: ReadonlySet<Special>;
}

/** @param evaluate a default, in the scope of the macro */
export function bindMacro(
  { name, parameters, special }: Signature,
  args: readonly Value[],
  keywords: Keywords,
  scope: Scope,
  evaluate: (node: Node) => Value,
): void {
  const label = name === null ? 'None' : `'${name}'`;
  const rest = new Map(keywords);
  const defaults: [string, Node][] = [];
  for (const [i, parameter] of parameters.entries()) {
    const isDefault = parameter.type === 'KeywordArgumentExpression';
    const key = isDefault ? parameter.key.value : parameter.type === 'Identifier' ? parameter.value : '';
    const given = i < args.length ? args[i] : rest.get(key);
    if (i >= args.length) rest.delete(key);
    if (given === undefined && isDefault) defaults.push([key, parameter.value]);
    scope.set(key, given ?? (given === null ? null : new Undefined(`parameter '${key}' was not provided`)));
  }
  if (special.has('caller') && scope.getOwn('caller') === undefined) {
    scope.set('caller', rest.get('caller') ?? new Undefined('No caller defined'));
    rest.delete('caller');
  }
  if (special.has('kwargs')) scope.set('kwargs', new Dict(rest));
  else if (rest.size > 0) raise('TypeError', `macro ${label} takes no keyword argument '${[...rest.keys()][0]}'`);
  if (special.has('varargs')) scope.set('varargs', new Tuple(args.slice(parameters.length)));
  else if (args.length > parameters.length) {
    raise('TypeError', `macro ${label} takes not more than ${parameters.length} argument(s)`);
  }
  for (const [key, node] of defaults) scope.set(key, evaluate(node));
}
