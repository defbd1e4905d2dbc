// Python's binding of positional and keyword arguments to the parameters of a function.
import { raise, type Keywords, type Value } from './values.ts';

/** Each parameter with its default; undefined where it has none. */
export type Parameters = Readonly<Record<string, Value | undefined>>;

/** The arguments in the order of the parameters. @throws PythonError TypeError where they do not fit */
export function bind(name: string, parameters: Parameters, args: readonly Value[], keywords: Keywords): Value[] {
  const names = Object.keys(parameters);
  if (args.length > names.length) {
    raise('TypeError', `${name}() takes at most ${names.length} arguments (${args.length} given)`);
  }
  for (const keyword of keywords.keys()) {
    const at = names.indexOf(keyword);
    if (at < 0) raise('TypeError', `${name}() got an unexpected keyword argument '${keyword}'`);
    if (at < args.length) raise('TypeError', `${name}() got multiple values for argument '${keyword}'`);
  }
  return names.map((parameter, i) => {
    const given =
      args[i] ?? (i < args.length ? null : keywords.has(parameter) ? keywords.get(parameter) : parameters[parameter]);
    if (given !== undefined) return given;
    return raise('TypeError', `${name}() missing 1 required positional argument: '${parameter}'`);
  });
}

/** Where a function has no names for its arguments. */
export function positional(
  name: string,
  args: readonly Value[],
  keywords: Keywords,
  least: number,
  most: number,
): void {
  if (keywords.size > 0) raise('TypeError', `${name}() takes no keyword arguments`);
  if (args.length < least || args.length > most) {
    const allowed = least === most ? String(least) : `${least} to ${most}`;
    raise('TypeError', `${name}() takes ${allowed} arguments (${args.length} given)`);
  }
}
