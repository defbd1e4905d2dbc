// How values are spelt, where a reader would take them for something else than their author: merge keys (PV-012),
// digests, numbers and names without quotes (PV-013, 014, 016), a # inside a text (PV-015). One walk over the file.
import { isReadAsWritten } from '../../../decimal.ts';
import type { FileDiagnostics } from '../file-diagnostics.ts';
import type { Contract } from '../model.ts';
import type { YamlNode, YamlPair } from '../yaml/yaml-node.ts';

const DIGEST = /(?:^|_)(?:digest|hash|checksum|commit|sha(?:1|256|512)?|md5|blake\w*|crc(?:32)?)s?$/i;
const NAMES: ReadonlySet<string> = new Set(['id', 'version', 'binds_to', 'obligation', 'depends_on', 'falsifier']);
const NUMBERS: ReadonlySet<string> = new Set(['threshold', 'tolerance', 'tolerance_abs', 'tolerance_rel', 'bound']);
const EVIDENCE = /(?:^|_)evidence(?:_|$)/;

/** What YAML 1.1 takes for a number, a time, a truth value or nothing, and YAML 1.2 for text. */
const OTHER_IN_YAML_1_1 =
  /^(?:[-+]?[0-9][0-9_,]*(?::[0-5]?[0-9])*(?:\.[0-9_]*)?|0[bx][0-9a-f_]+|y|n|yes|no|on|off|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*)$/i;

export function checkSpellings(contract: Contract, diagnostics: FileDiagnostics): void {
  const { source } = contract;
  const visit = (node: YamlNode, key: string, isEvidence: boolean): void => {
    if (node.kind === 'scalar') {
      checkScalar(node, key, isEvidence);
      return;
    }
    // Items stand for the key of their list.
    if (node.kind === 'seq') for (const item of node.items) visit(item, key, isEvidence);
    else for (const pair of node.pairs) visitPair(pair, isEvidence);
  };
  const visitPair = ({ key, value }: YamlPair, isEvidence: boolean): void => {
    // A key in quotes is a key of its own to every reader.
    if (key.text === '<<' && source.startsWith('<<', key.start)) {
      const message = '`<<` is a key like any other here: nothing is merged; write the values out';
      diagnostics.add('PV-012', message, key);
    }
    visit(value, key.text, isEvidence || EVIDENCE.test(key.text));
  };
  const checkScalar = (node: Extract<YamlNode, { kind: 'scalar' }>, key: string, isEvidence: boolean): void => {
    if (node.style !== 'plain') return;
    const { value, start, end } = node;
    const written = source.slice(start, end);
    const isText = typeof value === 'string' && !OTHER_IN_YAML_1_1.test(written);
    // Elsewhere `checksum: true` may say that there is one.
    const isNumberLike = typeof value === 'number' || (!isText && /^[0-9]/.test(written));
    if (DIGEST.test(key) && (isEvidence ? !isText : isNumberLike)) {
      const what = value === null ? 'empty' : `${written} without quotes, read as ${spoken(value)}`;
      diagnostics.add('PV-013', `${key} is ${what}; a digest is text: write it in quotes`, node);
    } else if (isEvidence && (key === 'receipt' || key === 'figure') && value !== null && typeof value !== 'string') {
      diagnostics.add('PV-003', `${key} is ${spoken(value)}; text is needed: write it in quotes`, node);
    } else if (Number.isFinite(value) && NUMBERS.has(key) && !isReadAsWritten(written)) {
      const severity = key === 'threshold' ? 'error' : 'warning';
      const message = `${key} is written ${written} and read as ${value}; write decimal digits`;
      diagnostics.add('PV-014', message, node, { severity });
    } else if (typeof value === 'string' && NAMES.has(key) && !isText) {
      const message = `${key} is ${written} without quotes, which YAML 1.1 does not read as text; write it in quotes`;
      diagnostics.add('PV-016', message, node);
    } else if (typeof value === 'string' && /^[ \t]+#[^\s#!]/.test(source.slice(end, end + 8))) {
      const message = `${key} ends before the #, which begins a comment; write the text in quotes, or a blank behind the #`;
      diagnostics.add('PV-015', message, { start: end, end: end + source.slice(end).search(/\S/) + 1 });
    }
  };
  visit(contract.root, '', false);
}

function spoken(value: string | number | boolean | null): string {
  if (typeof value === 'string') return 'text here, and not by YAML 1.1';
  return typeof value === 'number' ? `the number ${value}` : String(value);
}
