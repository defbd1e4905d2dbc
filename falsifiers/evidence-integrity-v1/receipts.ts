// Receipts made up of searched facts, JSON spelt a second time by hand, and what must not be done to a receipt's bytes.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc, { type Arbitrary } from 'fast-check';
import { RefuteError } from '../../src/errors.ts';
import { canonicalJson, canonicalText, digestOfJson, type Digest, type Json } from '../../src/runner/sources/digest.ts';
import { parseReceipt, receiptText, sealReceipt, type Receipt } from '../../src/runner/evidence/receipt.ts';
import type { PartContext } from '../../src/runner/run/falsifier.ts';
import { SmallProject } from '../kit/claims/evidence-project.ts';

const SHORT_ESCAPES = new Map([
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/** RFC 8785, string by string: only quotes, backslashes, controls and lone surrogates are escaped. */
function spellText(text: string): string {
  const characters = Array.from(text, (character) => {
    const code = character.codePointAt(0) ?? 0;
    const isEscaped = code < 0x20 || (code >= 0xd800 && code <= 0xdfff);
    return SHORT_ESCAPES.get(character) ?? (isEscaped ? `\\u${code.toString(16).padStart(4, '0')}` : character);
  });
  return `"${characters.join('')}"`;
}

function byCodeUnits(a: string, b: string): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const difference = a.charCodeAt(i) - b.charCodeAt(i);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** @param margin the line break and indentation of this depth; null: everything on one line */
function spell(value: Json, margin: string | null): string {
  if (typeof value === 'string') return spellText(value);
  if (value === null || typeof value !== 'object') return String(value);
  const inner = margin === null ? null : `${margin} `;
  const items = Array.isArray(value)
    ? value.map((item) => spell(item, inner))
    : Object.keys(value)
        .toSorted(byCodeUnits)
        .map((key) => `${spellText(key)}:${margin === null ? '' : ' '}${spell(value[key] ?? null, inner)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  if (items.length === 0) return `${open}${close}`;
  return inner === null
    ? `${open}${items.join(',')}${close}`
    : `${open}${inner}${items.join(`,${inner}`)}${margin}${close}`;
}

function turned(value: Json): Json {
  if (Array.isArray(value)) return value.map(turned);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, item]) => [key, turned(item)]),
  );
}

const key = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 3 }),
  fc.constantFrom('a', 'B', 'b', 'é', 'z', '\u{10000}', '\uffff', '10', '9'),
);
const number = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer()).map((x) => x + 0);

export const jsonValues: Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.oneof(number, fc.boolean(), fc.constant(null), fc.string({ unit: 'binary', maxLength: 6 })),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4 }),
  ),
})).value;

const isWrong = (isRight: boolean): number => (isRight ? 0 : 1);

export function countSpellings(raw: Json): number {
  // A key that objects treat apart cannot be turned around by hand.
  fc.pre(!JSON.stringify(raw).includes('__proto__'));
  const value = positiveZero(raw);
  const line = spell(value, null);
  return (
    isWrong(canonicalJson(value) === line) +
    isWrong(canonicalJson(turned(value)) === line) +
    isWrong(canonicalText(value) === `${spell(value, '\n')}\n`) +
    isWrong(digestOfJson(value) === sha256(line)) +
    isWrong(refuses({ nested: [value, -0] })) +
    isWrong(refuses({ nested: [value, Number.NaN] }))
  );
}

function positiveZero(value: Json): Json {
  if (typeof value === 'number') return value === 0 ? 0 : value;
  if (Array.isArray(value)) return value.map(positiveZero);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, positiveZero(item)]));
}

function refuses(value: Json): boolean {
  try {
    canonicalJson(value);
    return false;
  } catch (error) {
    return error instanceof TypeError;
  }
}

function sha256(text: string): Digest {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

const count = fc.nat(1000);
const digest = fc.constantFrom(sha256('a'), sha256('b'));

export const receipts: Arbitrary<Receipt> = fc
  .record({
    seed: count,
    executed: count,
    where: fc.string({ unit: 'binary', maxLength: 8 }),
    output: digest,
    pin: digest,
  })
  .map(({ seed, executed, where, output, pin }) => {
    const section = {
      verdict: 'survived',
      reason: 'within-bar',
      planned: executed,
      executed,
      discarded: 0,
      worst: { value: '0', where },
      outputs: output,
      counterexample: null,
    } as const;
    return sealReceipt({
      stable: {
        schemaVersion: 1,
        contract: 'toy-v1',
        claim: 'TOY-001',
        environment: { class: 'cpu.x64.v8-13.6', executor: 'cpu', arch: 'x64', v8: '13.6' },
        bar: { metric: 'difference', comparator: '<=', threshold: '0', unit: 'integers' },
        seed,
        repeat: 1,
        parts: { generated: section, live: section },
        faults: [{ id: 'f', title: where, size: 'gross', part: 'generated', verdict: 'red' }],
        touched: { data: [], models: [], programs: ['pv'], packages: [], oracles: [] },
        pins: { claim: pin, bar: output, 'file:src/a.ts': pin },
      },
      confirmations: [],
      volatile: {
        startedAt: '2026-11-21T00:00:00.000Z',
        durationMs: { generated: executed },
        machine: { id: 'machine', os: 'linux', cpu: 'cpu', node: '24.0.0' },
        faults: { f: { executed, measured: '1' } },
        source: null,
        notes: {},
      },
    });
  });

export interface ByteChange {
  kind: 'replaced' | 'inserted' | 'removed' | 'space';
  at: number;
  by: number;
}

export const byteChanges: Arbitrary<ByteChange> = fc.record({
  kind: fc.constantFrom('replaced', 'replaced', 'inserted', 'removed', 'space'),
  at: fc.nat(),
  by: fc.integer({ min: 1, max: 255 }),
});

/** The text with one byte replaced, put in or taken out. A space goes where JSON does not mind it. */
function withChange(text: string, { kind, at, by }: ByteChange): string {
  const bytes = [...Buffer.from(text)];
  const place = at % bytes.length;
  if (kind === 'replaced') bytes[place] = (bytes[place] ?? 0) ^ by;
  else if (kind === 'inserted') bytes.splice(place, 0, by);
  else if (kind === 'removed') bytes.splice(place, 1);
  else
    return text.replace(/\n(?=[ }])/g, (found, offset: number) =>
      offset >= place % text.length ? `${found} ` : found,
    );
  return Buffer.from(bytes).toString('utf8');
}

/** 1 where the changed text is taken for a receipt, or refused in any other way than with a typed error. */
function countAccepted(text: string): number {
  try {
    parseReceipt(text, 'evidence/toy/TOY-001/cpu.x64.v8-13.6.json');
    return 1;
  } catch (error) {
    return error instanceof RefuteError ? 0 : 1;
  }
}

export function countAcceptedChanges([receipt, change]: [Receipt, ByteChange]): number {
  const text = receiptText(receipt);
  const changed = withChange(text, change);
  fc.pre(changed !== text);
  return countAccepted(changed) + (1 - countAccepted(text));
}

const WHOLE = { generated: 'survives', live: 'survives', oracle: 'survives' } as const;
const TOYS = [
  { stem: 'whole', parts: WHOLE, faults: ['red'] },
  { stem: 'refuted', parts: { ...WHOLE, live: 'refuted' }, faults: ['red'] },
] as const;

export const SPELLING_CASES: number = TOYS.length;

/** Receipts of a real run: their spelling, and both digests worked out by hand. */
export async function measureSpellings(context: PartContext): Promise<void> {
  const project = new SmallProject(context, 'spelling', TOYS);
  await project.pv('falsify', '--all');
  for (const { stem } of TOYS) {
    const path = project.receiptOf(stem);
    const text = project.read(path);
    const receipt = JSON.parse(text) as {
      predicate: { [name: string]: Json; digest: { content: string; file: string } };
    };
    const { digest: own, ...predicate } = receipt.predicate;
    const { stable = null, confirmations = null } = predicate;
    const unsigned = { ...receipt, predicate: { ...predicate, digest: { content: own.content } } };
    const wrong =
      isWrong(`${spell(receipt as unknown as Json, '\n')}\n` === text) +
      isWrong(own.content === sha256(spell({ stable, confirmations }, null))) +
      isWrong(own.file === sha256(spell(unsigned as unknown as Json, null)));
    context.measure(wrong, path);
  }
}

const EDITS: readonly [string, RegExp, string][] = [
  ['a count', /"executed": 3/, '"executed": 4'],
  ['a time', /"startedAt": "2/, '"startedAt": "1'],
  ['a space', /\{\n/, '{ \n'],
];
/** Every byte of a real receipt, then the edits as the program answers them. */
export const TAMPERING_CASES: number = 1 + EDITS.length;

export async function measureTampering(context: PartContext): Promise<void> {
  const project = new SmallProject(context, 'tampering', TOYS.slice(0, 1));
  await project.pv('falsify', '--all');
  const path = project.receiptOf('whole');
  const text = readFileSync(project.path(path), 'utf8');
  const bytes = Buffer.from(text);
  let accepted = 1 - countAccepted(text);
  for (let at = 0; at < bytes.length; at++)
    accepted += countAccepted(withChange(text, { kind: 'replaced', at, by: 1 }));
  context.measure(accepted, `${bytes.length} bytes`);
  for (const [name, find, replacement] of EDITS) {
    project.write(path, text.replace(find, replacement));
    const verify = await project.pv('evidence', 'verify');
    const gate = await project.pv('gate');
    const isRefused = [verify, gate].every(({ exitCode, stdout }) => exitCode === 1 && stdout.includes(path));
    context.measure(isWrong(isRefused), `${name}: verify exits ${verify.exitCode}, gate ${gate.exitCode}`);
  }
}
