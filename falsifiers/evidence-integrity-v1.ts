// Tries to break the evidence: spelling, tampering, vanishing, typing over, rewriting, staleness, kills. Generated parts
// search the modules that make and read receipts; live parts are the real `pv` on toy projects. Not claimed here: which
// level follows from honest receipts (discharge-ladder-v1), and that a forger without a base to compare with is found.
import fc from 'fast-check';
import type { Falsifier, PlantedFault } from '../src/runner/run/falsifier.ts';
import * as closures from './evidence-integrity-v1/closures.ts';
import * as edits from './evidence-integrity-v1/edits.ts';
import * as kills from './evidence-integrity-v1/kills.ts';
import * as loosenings from './evidence-integrity-v1/loosenings.ts';
import * as receipts from './evidence-integrity-v1/receipts.ts';
import * as records from './evidence-integrity-v1/records.ts';
import { styledEdits } from './evidence-integrity-v1/styles.ts';

const EVIDENCE = 'src/runner/evidence';

function changed(
  file: string,
  ...[id, size, title, find, replace]: [string, 'gross' | 'small', string, string, string]
): PlantedFault {
  return { id, size, title, inject: { kind: 'source', file, find, replace } };
}

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-EVID-001': {
    parts: {
      generated: {
        planned: 3_000,
        run: (context) => context.search(receipts.jsonValues, context.planned, receipts.countSpellings),
      },
      live: { planned: receipts.SPELLING_CASES, run: receipts.measureSpellings },
    },
    faults: [
      changed(
        `src/runner/sources/digest.ts`,
        ...(['canonical-keys-as-they-come', 'gross', 'keys stand in the order in which they were set'] as const),
        'Object.keys(value).toSorted((a, b) => (a < b ? -1 : 1))',
        'Object.keys(value)',
      ),
      changed(
        `src/runner/sources/digest.ts`,
        ...(['canonical-order-of-a-language', 'small', 'keys are sorted as a dictionary sorts words'] as const),
        'Object.keys(value).toSorted((a, b) => (a < b ? -1 : 1))',
        'Object.keys(value).toSorted((a, b) => a.localeCompare(b))',
      ),
    ],
  },

  'FALSIFY-EVID-002': {
    parts: {
      generated: {
        planned: 3_000,
        run: (context) =>
          context.search(
            fc.tuple(receipts.receipts, receipts.byteChanges),
            context.planned,
            receipts.countAcceptedChanges,
          ),
      },
      live: { planned: receipts.TAMPERING_CASES, run: receipts.measureTampering },
    },
    faults: [
      changed(
        `${EVIDENCE}/receipt.ts`,
        ...(['receipt-digests-unchecked', 'gross', 'no digest of a receipt is checked'] as const),
        'digest.file !== fileDigest(receipt) || digest.content !== contentDigest(receipt.predicate)',
        'digest.file.length === 0',
      ),
      changed(
        `${EVIDENCE}/receipt.ts`,
        ...(['receipt-time-unsigned', 'small', 'the volatile part is not digested'] as const),
        'predicate: { ...rest, digest: { content: digest.content } }',
        'predicate: { ...rest, volatile: null, digest: { content: digest.content } }',
      ),
      changed(
        `${EVIDENCE}/receipt.ts`,
        ...(['receipt-spelling-unchecked', 'small', 'another spelling of the same content is accepted'] as const),
        'if (canonicalText(value) !== text)',
        "if (canonicalText(value) === '')",
      ),
    ],
  },

  'FALSIFY-EVID-003': {
    parts: {
      generated: {
        planned: 3_000,
        run: (context) => context.search(loosenings.changes, context.planned, loosenings.countMissedLoosenings),
      },
      live: { planned: loosenings.BASE_CASES, run: loosenings.measureAgainstBase },
    },
    faults: [
      changed(
        `${EVIDENCE}/loosened.ts`,
        ...(['gate-removed-claim-unseen', 'gross', 'a claim may go without a word'] as const),
        "add(was.id, 'claim-removed', 'without a `retired:` entry', home, false);",
        'void was;',
      ),
      changed(
        `${EVIDENCE}/loosened.ts`,
        ...(['gate-strictness-unseen', 'small', 'a strict bound may become one that includes its end'] as const),
        "return !was.comparator.endsWith('=') && is.comparator.endsWith('=')",
        "return !was.comparator.endsWith('=') && !is.comparator.endsWith('=')",
      ),
      {
        ...changed(
          `${EVIDENCE}/loosened.ts`,
          ...(['gate-forged-survivor-unseen', 'small', 'the same inputs may survive what they failed'] as const),
          "if (isSameInputs && now.parts[name]?.verdict !== 'falsified')",
          'if (isSameInputs && now.parts[name] === undefined)',
        ),
        part: 'live',
      },
    ],
  },

  'FALSIFY-EVID-004': {
    parts: {
      generated: {
        planned: 800,
        run: (context) => context.search(loosenings.typedLevels, context.planned, loosenings.countMissedOverclaims),
      },
      live: { planned: loosenings.TYPED_CASES, run: loosenings.measureTypedLevels },
    },
    faults: [
      changed(
        'src/runner/contract/rules/level-rules.ts',
        ...(['typed-level-unchecked', 'gross', 'validate believes every level'] as const),
        'if (LEVELS.indexOf(declaredLevel) <= LEVELS.indexOf(level)) continue;',
        'continue;',
      ),
      changed(
        'src/runner/contract/parse-claim-keys.ts',
        ...(['typed-level-synonym-unread', 'small', 'DISCHARGED is read, FULL_DISCHARGED is not'] as const),
        'if (/^(FULLY?_|LIVE_|STRUCTURALLY_)?DISCHARGED?$/.test(normal))',
        "if (normal === 'DISCHARGED')",
      ),
      changed(
        `${EVIDENCE}/gate.ts`,
        ...(['gate-one-level-too-much', 'small', 'the gate lets one level too much pass'] as const),
        'levelRank(claim.declaredLevel) > levelRank(derivation.word)',
        'levelRank(claim.declaredLevel) > levelRank(derivation.word) + 1',
      ),
    ],
  },

  'FALSIFY-EVID-005': {
    parts: {
      generated: {
        planned: 1_500,
        run: (context) => context.search(records.reruns, context.planned, records.countWrongRecords),
      },
      live: { planned: records.RERUN_CASES, run: records.measureReruns },
    },
    faults: [
      changed(
        `${EVIDENCE}/record.ts`,
        ...(['receipt-always-rewritten', 'gross', 'every run writes its own time and machine'] as const),
        'isUnchanged && previous !== null ? previous : receipt',
        'receipt',
      ),
      changed(
        `${EVIDENCE}/record.ts`,
        ...(['receipt-only-parts-compared', 'small', 'another pin or fault leaves the old receipt in place'] as const),
        'digestOfJson(asJson(previous.predicate.stable)) === digestOfJson(asJson(stable))',
        'digestOfJson(asJson(previous.predicate.stable.parts)) === digestOfJson(asJson(stable.parts))',
      ),
    ],
  },

  'FALSIFY-EVID-006': {
    parts: {
      generated: {
        planned: 1_000,
        run: (context) => context.search(styledEdits, context.planned, edits.countEditFaults),
      },
      live: { planned: edits.EDIT_CASES, run: edits.measureRunEdits },
    },
    faults: [
      changed(
        'src/runner/contract/yaml/edit-pairs.ts',
        ...(['edit-eats-remark', 'gross', 'a new value takes the rest of its line along'] as const),
        'return { start: node.start, end, text: value.inline };',
        'return { start: node.start, end: lineEnd(source, end), text: value.inline };',
      ),
      changed(
        'src/runner/contract/yaml/edit-pairs.ts',
        ...(['edit-unix-line-breaks', 'small', 'lines are added with the line break of Unix'] as const),
        "return newline > 0 && source[newline - 1] === '\\r' ? '\\r\\n' : '\\n';",
        "return '\\n';",
      ),
    ],
  },

  'FALSIFY-EVID-007': {
    parts: {
      generated: {
        planned: 300,
        run: (context) =>
          context.search(closures.worlds, context.planned, (world) => closures.countWrongClosures(context, world)),
      },
      live: { planned: closures.STALENESS_CASES, run: closures.measureStaleness },
    },
    faults: [
      changed(
        `src/runner/sources/closure.ts`,
        ...(['closure-one-deep', 'gross', 'imports of imports are not followed'] as const),
        'waiting.push(...node.next);',
        'if (closure.files.size === 1) waiting.push(...node.next);',
      ),
      changed(
        `src/runner/sources/module-imports.ts`,
        ...(['closure-dynamic-unseen', 'small', 'an import that waits is not followed'] as const),
        'imports: imports.flatMap(',
        'imports: imports.filter(({ d }) => d === -1).flatMap(',
      ),
      changed(
        `src/runner/sources/module-imports.ts`,
        ...(['closure-assets-unseen', 'small', 'files that are named by URL are not pinned'] as const),
        "urls: urls.map((match) => match[2] ?? '')",
        'urls: []',
      ),
    ],
  },

  'FALSIFY-EVID-008': {
    parts: {
      generated: { planned: kills.WRITER_CASES, run: kills.measureWriters },
      live: { planned: kills.RUN_KILL_CASES, run: kills.measureRuns },
    },
    faults: [
      changed(
        'src/engine/io/atomic-file.ts',
        ...(['writer-empties-first', 'gross', 'the old file is emptied before the new one is written'] as const),
        "await writeFile(temporary, '', { flag: 'wx' });",
        "await writeFile(temporary, '', { flag: 'wx' });\n      await writeFile(target, '');",
      ),
      changed(
        'src/engine/io/atomic-file.ts',
        ...([
          'writer-removes-before-rename',
          'small',
          'for one step there is neither the old file nor the new',
        ] as const),
        'await rename(this.#temporary, this.#target);',
        "await (await import('node:fs/promises')).rm(this.#target, { force: true });\n      await rename(this.#temporary, this.#target);",
      ),
    ],
  },
};
