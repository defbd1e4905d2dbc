// Types, allowed values and needed keys, as contracts/schema.json states them: PV-003, PV-004, PV-005. The schema
// judges plain values; this finds the place of what it judged and says it in words.
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { spanOfPair, startOf, type FileDiagnostics, type Span } from '../file-diagnostics.ts';
import type { Contract } from '../model.ts';
import { nearest } from '../../../near-miss.ts';
import { CONTRACT_SCHEMA } from '../schema.ts';
import { findPair, toValue, type YamlMap, type YamlNode } from '../yaml/yaml-node.ts';

let compiled: ValidateFunction | undefined;

/**
 * Compiled when first needed, in some 45 ms. A test checks the schema itself, and optimising its code does not pay
 * for so short a run: both would cost another 60 ms at every start.
 */
function validator(): ValidateFunction {
  if (compiled === undefined) {
    const ajv = new Ajv2020({
      allErrors: true,
      verbose: true,
      allowUnionTypes: true,
      strictTypes: false,
      meta: false,
      validateSchema: false,
      code: { optimize: false },
    });
    ajv.addVocabulary(['x-unrun', 'x-expects']);
    compiled = ajv.compile(CONTRACT_SCHEMA);
  }
  return compiled;
}

export function checkShape(contract: Contract, diagnostics: FileDiagnostics): void {
  const validate = validator();
  if (validate(toValue(contract.root))) return;
  for (const error of validate.errors ?? []) report(contract.root, error, diagnostics);
}

function report(root: YamlMap, error: ErrorObject, diagnostics: FileDiagnostics): void {
  const path = error.instancePath.split('/').slice(1).map(unescapePointer);
  const { span, name } = locate(root, path);
  const params = error.params as Readonly<Record<string, unknown>>;
  switch (error.keyword) {
    case 'type':
      diagnostics.add('PV-003', `${name} is ${describe(error.data)}; ${expectedType(params['type'])}`, span);
      return;
    case 'required': {
      const missing = String(params['missingProperty']);
      diagnostics.add('PV-005', `${name === '' ? missing : `${name}.${missing}`} is missing`, span);
      return;
    }
    case 'enum': {
      const allowed = (params['allowedValues'] as readonly unknown[]).filter((value) => value !== null).map(String);
      const found = typeof error.data === 'string' ? error.data : JSON.stringify(error.data);
      const message = `${name} is ${JSON.stringify(error.data)}; allowed are ${allowed.join(', ')}`;
      diagnostics.add('PV-004', message, span, { didYouMean: nearest(found, allowed) });
      return;
    }
    case 'pattern': {
      const expects = (error.parentSchema as { 'x-expects'?: string } | undefined)?.['x-expects'];
      const message = `${name} is ${JSON.stringify(error.data)}; ${expects ?? 'another form'} is needed`;
      diagnostics.add('PV-004', message, span);
      return;
    }
    case 'minLength':
    case 'minItems':
      diagnostics.add('PV-004', `${name} is empty`, span);
      return;
    case 'uniqueItems':
      diagnostics.add('PV-004', `${name} lists the same thing twice`, span);
      return;
    default:
      diagnostics.add('PV-004', `${name} ${error.message ?? 'is not allowed'}`, span);
  }
}

function unescapePointer(step: string): string {
  return step.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** The node at a JSON pointer: its place and its name in the notation people use, `a.b[0].c`. */
function locate(root: YamlMap, path: readonly string[]): { span: Span; name: string } {
  let node: YamlNode = root;
  let span: Span = startOf(root);
  let name = '';
  for (const step of path) {
    if (node.kind === 'map') {
      const pair = findPair(node, step);
      if (pair === undefined) break;
      node = pair.value;
      span = spanOfPair(pair);
      name += name === '' ? step : `.${step}`;
    } else if (node.kind === 'seq') {
      const item: YamlNode | undefined = node.items[Number(step)];
      if (item === undefined) break;
      node = item;
      span = item;
      name += `[${step}]`;
    }
  }
  return { span: node.kind === 'map' ? startOf(node) : span, name };
}

function describe(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value === 'string') return 'text';
  // To a schema, NaN and the infinities are not numbers.
  return typeof value === 'number' ? `the number ${value}` : `the ${typeof value} ${JSON.stringify(value)}`;
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
};

function expectedType(type: unknown): string {
  const types = (Array.isArray(type) ? type : [type]).map(String).filter((name) => name !== 'null');
  const words = types.map((name) => TYPE_WORDS[name] ?? name).join(' or ');
  return types.includes('string') ? `${words} is needed: write it in quotes` : `${words} is needed`;
}
