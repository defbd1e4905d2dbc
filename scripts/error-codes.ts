// Reads from the source which error and notice codes the product has and in which words it says them. It reads syntax
// trees, not text: a code may be a literal beside its words, or be handed to a helper that takes a `code`. What is put
// together at run time stands as <name>. Kernels have no codes. The page is made by errors-page.ts.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseAst } from 'vitest/node';

export interface CodeUse {
  code: string;
  kind: 'error' | 'note' | 'warning';
  file: string;
  exitCode: 1 | 2 | 3;
  /** As the program prints it after the place; `…` where the words come from elsewhere. */
  sentences: string[];
}

interface Node {
  type: string;
  start: number;
  [key: string]: unknown;
}

/** A node and the way up from it. */
interface Site {
  file: string;
  node: Node;
  up: readonly Node[];
}

type Words = ReadonlyMap<string, string[]>;

interface Found {
  /** The words, once for each way to come here. */
  readings: Words[];
  object: Site;
}

const WORDS = ['is', 'allowed', 'next', 'message', 'severity'];
const NO_WORDS: Words = new Map();
const ERROR_CODE = /^E_[A-Z0-9_]+$/;
const NOTICE_CODE = /^[A-Z][A-Z0-9]+([-_][A-Z0-9]+)+$/;
const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);
const MAX_DEPTH = 8;

export function readCodes(root: string): CodeUse[] {
  const names = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  const files = names.filter((name) => name.endsWith('.ts') && !name.endsWith('.as.ts')).toSorted();
  const sites = files.flatMap((name) => {
    const file = `src/${name.replaceAll('\\', '/')}`;
    return sitesOf(file, parseAst(readFileSync(join(root, file), 'utf8'), { lang: 'ts' }) as unknown as Node);
  });
  const reader = new CodeReader(sites);
  return sites.flatMap((site) => reader.usesAt(site));
}

function sitesOf(file: string, program: Node): Site[] {
  const sites: Site[] = [];
  const visit = (node: Node, up: readonly Node[]): void => {
    sites.push({ file, node, up });
    for (const child of Object.values(node).flat()) {
      if (isNode(child)) visit(child, [node, ...up]);
    }
  };
  visit(program, []);
  return sites;
}

class CodeReader {
  /** Calls and functions by name; objects, declarations and uses of a name by file too. */
  readonly #calls: ReadonlyMap<string, Site[]>;
  readonly #functions: ReadonlyMap<string, Site[]>;
  readonly #objects: ReadonlyMap<string, Site[]>;
  readonly #declarations: ReadonlyMap<string, Site[]>;
  readonly #uses: ReadonlyMap<string, Site[]>;

  constructor(sites: readonly Site[]) {
    this.#calls = index(sites, ({ node }) => (node.type === 'CallExpression' ? nameOf(node['callee']) : null));
    this.#functions = index(sites, (site) => (FUNCTIONS.has(site.node.type) ? functionName(site) : null));
    this.#objects = index(sites, ({ file, node }) => (node.type === 'ObjectExpression' ? file : null));
    this.#declarations = index(sites, ({ file, node }) =>
      node.type === 'VariableDeclarator' ? `${file} ${nameOf(node['id'])}` : null,
    );
    this.#uses = index(sites, ({ file, node }) => (node.type === 'Identifier' ? `${file} ${nameOf(node)}` : null));
  }

  usesAt(site: Site): CodeUse[] {
    const code = site.node.type === 'Literal' ? site.node['value'] : null;
    if (typeof code !== 'string' || !(ERROR_CODE.test(code) || NOTICE_CODE.test(code))) return [];
    const found = this.#wordsBeside(site);
    if (found === null) return [];
    const { readings, object } = found;
    const severity = readings[0]?.get('severity')?.[0];
    const kind = ERROR_CODE.test(code) ? 'error' : severity === 'note' || severity === 'warning' ? severity : null;
    if (kind === null) return [];
    const sentences = readings.flatMap((words) => sentencesOf(words, kind === 'error'));
    return [{ code, kind, file: site.file, exitCode: exitCodeOf(object), sentences }];
  }

  /** The object that holds the code, and its words: the literal's own, or that of the helper which takes the code. */
  #wordsBeside(site: Site): Found | null {
    const [parent, grandparent] = site.up;
    if (parent === undefined) return null;
    const above = { file: site.file, node: parent, up: site.up.slice(1) };
    if (parent.type === 'ConditionalExpression') return this.#wordsBeside(above);
    if (parent.type === 'Property' && nameOf(parent['key']) === 'code' && grandparent !== undefined) {
      const object = { file: site.file, node: grandparent, up: site.up.slice(2) };
      return { readings: this.#readingsOf(object), object };
    }
    if (parent.type === 'CallExpression') return this.#wordsOfCall(above, site.node);
    const name = boundName(parent, grandparent, site.node);
    if (name === null) return null;
    const scope = site.up.find((node) => FUNCTIONS.has(node.type));
    const uses = this.#uses.get(`${site.file} ${name}`) ?? [];
    const use = uses.find(({ node, up }) => scope !== undefined && isHandedOn(node, up, scope));
    return use === undefined ? null : this.#wordsBeside(use);
  }

  /** Once for each caller where the object stands in a helper that is handed the words. */
  #readingsOf(object: Site): Words[] {
    const level = object.up.findIndex((node) => FUNCTIONS.has(node.type));
    const scope = object.up[level];
    const plain = [this.#wordsOf(object, NO_WORDS)];
    if (scope === undefined) return plain;
    const parameters = new Set(nodes(scope['params']).map(nameOf));
    const isFilled = WORDS.some((name) => parameters.has(nameOf(property(object.node, name)?.['value'])));
    if (!isFilled) return plain;
    const helper = { file: object.file, node: scope, up: object.up.slice(level + 1) };
    const calls = (this.#calls.get(functionName(helper) ?? '') ?? []).filter(({ file }) => file === object.file);
    return calls.length === 0 ? plain : calls.map((call) => this.#wordsOf(object, this.#argumentsOf(call, helper)));
  }

  #wordsOfCall(call: Site, argument: Node): Found | null {
    const callee = this.#helper(nameOf(call.node['callee']), call.file);
    if (callee === undefined) return null;
    const position = nodes(call.node['arguments']).findIndex((each) => contains(each, argument));
    const parameter = nameOf(nodes(callee.node['params'])[position]);
    if (parameter !== 'code') return null;
    const objects = this.#objects.get(callee.file) ?? [];
    const object = objects.find(({ node, up }) => up.includes(callee.node) && property(node, 'code') !== undefined);
    if (object === undefined) return null;
    const given = this.#argumentsOf(call, callee);
    return { readings: [new Map([...given, ...this.#wordsOf(object, given)])], object };
  }

  /** What a call hands over, by the names of the parameters; the entries of an object count under their own names. */
  #argumentsOf(call: Site, callee: Site): Words {
    const words = new Map<string, string[]>();
    const handed = nodes(call.node['arguments']);
    for (const [i, parameter] of nodes(callee.node['params']).entries()) {
      const argument = handed[i];
      const name = nameOf(parameter);
      const isAbsent = argument === undefined || nameOf(argument) === 'undefined';
      if (isAbsent && name !== null) words.set(name, []);
      if (isAbsent) continue;
      const site = below(call, argument);
      if (argument.type === 'ObjectExpression')
        for (const [key, texts] of this.#wordsOf(site, NO_WORDS)) words.set(key, texts);
      const texts = this.#textsOf(site, NO_WORDS, 0);
      if (name !== null) words.set(name, texts.length > 0 ? texts : [`<${name}>`]);
    }
    return words;
  }

  #wordsOf(object: Site, given: Words): Words {
    const words = new Map<string, string[]>();
    for (const entry of nodes(object.node['properties'])) {
      const name = nameOf(entry['key']);
      if (name === null || !isNode(entry['value'])) continue;
      const texts = this.#textsOf(below(object, entry['value']), given, 0);
      if (texts.length > 0) words.set(name, texts);
    }
    return words;
  }

  /** The texts that an expression can be. Empty: not to be read from the source. */
  #textsOf(site: Site, given: Words, depth: number): string[] {
    const { node } = site;
    const of = (child: unknown): string[] => (isNode(child) ? this.#textsOf(below(site, child), given, depth + 1) : []);
    if (depth > MAX_DEPTH) return [];
    if (node.type === 'Literal') return typeof node['value'] === 'string' ? [node['value']] : [];
    if (node.type === 'TemplateLiteral') {
      const holes = nodes(node['expressions']).map((hole) => this.#holeOf(below(site, hole), given));
      return [
        nodes(node['quasis'])
          .map((quasi, i) => cooked(quasi) + (holes[i] ?? ''))
          .join(''),
      ];
    }
    if (node.type === 'ConditionalExpression') return [...of(node['consequent']), ...of(node['alternate'])];
    if (node.type === 'LogicalExpression') {
      const [left, right] = [of(node['left']), of(node['right'])];
      return left.length === 0 ? left : [...left, ...right];
    }
    if (node.type === 'TSAsExpression') return of(node['expression']);
    if (node.type === 'BinaryExpression' && node['operator'] === '+') {
      return of(node['left']).flatMap((left) => of(node['right']).map((right) => left + right));
    }
    return node.type === 'Identifier' ? this.#textsOfName(site, String(node['name']), given, depth) : [];
  }

  #holeOf(site: Site, given: Words): string {
    const known = this.#textsOf(site, given, 1);
    if (known.length === 1) return known.join('');
    const name = holeName(site.node);
    return name === null ? '<…>' : `<${name}>`;
  }

  #textsOfName(site: Site, name: string, given: Words, depth: number): string[] {
    const known = given.get(name);
    if (known !== undefined) return known;
    for (const [level, scope] of site.up.entries()) {
      if (!FUNCTIONS.has(scope.type) && scope.type !== 'Program') continue;
      const declared = this.#declarationOf(site, name, scope);
      if (declared !== undefined) return this.#textsOf(declared, given, depth + 1);
      const position = nodes(scope['params']).findIndex((parameter) => nameOf(parameter) === name);
      const own = { file: site.file, node: scope, up: site.up.slice(level + 1) };
      if (position !== -1) return this.#textsFromCallers(own, position, depth);
    }
    return [];
  }

  /** The last declaration of a name above its use. */
  #declarationOf(site: Site, name: string, scope: Node): Site | undefined {
    const declared = (this.#declarations.get(`${site.file} ${name}`) ?? []).filter(
      ({ up }) => up.find((each) => FUNCTIONS.has(each.type) || each.type === 'Program') === scope,
    );
    const last = declared.findLast(({ node }) => node.start < site.node.start) ?? declared[0];
    return last === undefined || !isNode(last.node['init']) ? undefined : below(last, last.node['init']);
  }

  #textsFromCallers(callee: Site, position: number, depth: number): string[] {
    const calls = this.#calls.get(functionName(callee) ?? '') ?? [];
    const own = calls.filter(({ file }) => file === callee.file);
    const texts = own.flatMap((call) => {
      const argument = nodes(call.node['arguments'])[position];
      return argument === undefined ? [] : this.#textsOf(below(call, argument), NO_WORDS, depth + 1);
    });
    return [...new Set(texts)];
  }

  /** The helper of that name which takes a code: of the same file, else of the nearest folder. */
  #helper(name: string | null, file: string): Site | undefined {
    const all = this.#functions.get(name ?? '') ?? [];
    const takesCode = all.filter(({ node }) => nodes(node['params']).some((each) => nameOf(each) === 'code'));
    return takesCode.toSorted((a, b) => sharedPath(b.file, file) - sharedPath(a.file, file))[0];
  }
}

/** `is; allowed. next.`, as RefuteError words it; a notice is its message. */
function sentencesOf(words: Words, isError: boolean): string[] {
  const of = (name: string): string[] => words.get(name) ?? [];
  if (!isError) return of('message').length > 0 ? of('message') : ['…'];
  const allowed = of('allowed').join(' / ');
  const next = of('next').join(' / ');
  const heads = of('is').length > 0 ? of('is') : ['…'];
  const tail = next === '' ? '' : ` ${next}${next.endsWith('?') ? '' : '.'}`;
  return heads.map((is) => `${allowed === '' ? is : `${is}; ${allowed}`}.${tail}`);
}

function exitCodeOf({ node, up }: Site): 1 | 2 | 3 {
  const made = up.find(({ type }) => type === 'NewExpression');
  const [first, second] = made === undefined ? [] : nodes(made['arguments']);
  // What was measured and failed: src/diagnosis/parity-gate.
  if (made !== undefined && nameOf(made['callee']) === 'Rejection') return 1;
  return first === node && second?.['value'] === 2 ? 2 : 3;
}

/** The variable that a literal is bound to: `const code = …` or `const [code, key] = […]`. */
function boundName(parent: Node, grandparent: Node | undefined, literal: Node): string | null {
  if (parent.type === 'VariableDeclarator') return nameOf(parent['id']);
  if (parent.type !== 'ArrayExpression' || grandparent?.type !== 'VariableDeclarator') return null;
  const position = nodes(parent['elements']).indexOf(literal);
  return isNode(grandparent['id']) ? nameOf(nodes(grandparent['id']['elements'])[position]) : null;
}

function isHandedOn(node: Node, up: readonly Node[], scope: Node): boolean {
  const [parent] = up;
  const isCode = parent?.type === 'Property' && parent['value'] === node && nameOf(parent['key']) === 'code';
  return (isCode || parent?.type === 'CallExpression') && up.includes(scope);
}

/** What stands for an expression that is put in at run time: `names.length`, `limit - 1`, the subject of a call. */
function holeName(node: Node): string | null {
  const of = (child: unknown): string | null => (isNode(child) ? holeName(child) : null);
  if (node.type === 'Literal') return String(node['value']);
  if (node.type === 'MemberExpression') {
    const name = nameOf(node['property']);
    const owner = name === 'length' || name === 'size' ? of(node['object']) : null;
    return node['computed'] === true ? of(node['object']) : owner === null ? name : `${owner}.${name}`;
  }
  if (node.type === 'BinaryExpression') {
    const [left, right] = [of(node['left']), of(node['right'])];
    return left === null || right === null ? null : `${left} ${String(node['operator'])} ${right}`;
  }
  if (node.type !== 'CallExpression') return nameOf(node);
  const owner = isNode(node['callee']) ? of(node['callee']['object']) : null;
  const [first] = nodes(node['arguments']);
  // `names.map(quoted)` is about the names, and so is a call that is handed it.
  const isMapped = (call: Node | undefined): boolean => nameOf(call?.['callee']) === 'map';
  if (isMapped(node) && owner !== null) return owner;
  return nameOf(first) ?? owner ?? (isMapped(first) ? of(first) : null) ?? nameOf(node['callee']);
}

function sharedPath(a: string, b: string): number {
  const parts = b.split('/');
  const differs = a.split('/').findIndex((part, i) => part !== parts[i]);
  return differs === -1 ? parts.length : differs;
}

function functionName({ node, up }: Site): string | null {
  const [parent] = up;
  if (isNode(node['id'])) return nameOf(node['id']);
  if (parent?.type === 'VariableDeclarator') return nameOf(parent['id']);
  return parent?.type === 'MethodDefinition' ? nameOf(parent['key']) : null;
}

function nameOf(value: unknown): string | null {
  if (!isNode(value)) return null;
  if (value.type === 'Identifier' || value.type === 'PrivateIdentifier') return String(value['name']);
  if (value.type === 'AssignmentPattern') return nameOf(value['left']);
  return value.type === 'MemberExpression' ? nameOf(value['property']) : null;
}

function index(sites: readonly Site[], keyOf: (site: Site) => string | null): Map<string, Site[]> {
  const found = new Map<string, Site[]>();
  for (const site of sites) {
    const key = keyOf(site);
    const at = key === null ? undefined : found.get(key);
    if (at !== undefined) at.push(site);
    else if (key !== null) found.set(key, [site]);
  }
  return found;
}

function property(object: Node, name: string): Node | undefined {
  return nodes(object['properties']).find((each) => nameOf(each['key']) === name);
}

function below({ file, node, up }: Site, child: Node): Site {
  return { file, node: child, up: [node, ...up] };
}

function contains(outer: Node, inner: Node): boolean {
  return (
    outer === inner ||
    Object.values(outer)
      .flat()
      .some((each) => isNode(each) && contains(each, inner))
  );
}

function cooked(quasi: Node): string {
  return String((quasi['value'] as { cooked: string }).cooked);
}

function nodes(value: unknown): Node[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}
