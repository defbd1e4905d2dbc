// Tries to break the evidence: spelling, tampering, vanishing, typing over, rewriting, staleness, kills. Generated parts
// search the modules that make and read receipts; live parts are the real `pv` on toy projects. Not claimed here: which
// level follows from honest receipts (discharge-ladder-v1), and that a forger without a base to compare with is found.
import fc from 'fast-check';
import type { Falsifier } from '../src/runner/run/falsifier.ts';
import * as closures from './evidence-integrity-v1/closures.ts';
import * as edits from './evidence-integrity-v1/edits.ts';
import * as kills from './evidence-integrity-v1/kills.ts';
import * as loosenings from './evidence-integrity-v1/loosenings.ts';
import * as receipts from './evidence-integrity-v1/receipts.ts';
import * as records from './evidence-integrity-v1/records.ts';
import { styledEdits } from './evidence-integrity-v1/styles.ts';
import { plants } from './kit/claims/plants.ts';

export const falsifiers: Readonly<Record<string, Falsifier>> = {
  'FALSIFY-EVID-001': {
    parts: {
      generated: {
        planned: 3_000,
        run: (context) => context.search(receipts.jsonValues, context.planned, receipts.countSpellings),
      },
      live: { planned: receipts.SPELLING_CASES, run: receipts.measureSpellings },
    },
    faults: plants`
      src/runner/sources/digest.ts
      gross canonical-keys-as-they-come: keys stand in the order in which they were set
      - Object.keys(value).toSorted((a, b) => (a < b ? -1 : 1))
      + Object.keys(value)
      small canonical-order-of-a-language: keys are sorted as a dictionary sorts words
      - Object.keys(value).toSorted((a, b) => (a < b ? -1 : 1))
      + Object.keys(value).toSorted((a, b) => a.localeCompare(b))
    `,
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
    faults: plants`
      src/runner/evidence/receipt.ts
      gross receipt-digests-unchecked: no digest of a receipt is checked
      - digest.file !== fileDigest(receipt) || digest.content !== contentDigest(receipt.predicate)
      + digest.file.length === 0
      small receipt-time-unsigned: the volatile part is not digested
      - predicate: { ...rest, digest: { content: digest.content } }
      + predicate: { ...rest, volatile: null, digest: { content: digest.content } }
      small receipt-spelling-unchecked: another spelling of the same content is accepted
      - if (canonicalText(value) !== text)
      + if (canonicalText(value) === '')
    `,
  },

  'FALSIFY-EVID-003': {
    parts: {
      generated: {
        planned: 3_000,
        run: (context) => context.search(loosenings.changes, context.planned, loosenings.countMissedLoosenings),
      },
      live: { planned: loosenings.BASE_CASES, run: loosenings.measureAgainstBase },
    },
    faults: plants`
      src/runner/evidence/loosened.ts
      gross gate-removed-claim-unseen: a claim may go without a word
      - add(was.id, 'claim-removed', 'without a \`retired:\` entry', home, false);
      + void was;
      small gate-strictness-unseen: a strict bound may become one that includes its end
      - return !was.comparator.endsWith('=') && is.comparator.endsWith('=')
      + return !was.comparator.endsWith('=') && !is.comparator.endsWith('=')
      small gate-forged-survivor-unseen in live: the same inputs may survive what they failed
      - if (isSameInputs && now.parts[name]?.verdict !== 'falsified')
      + if (isSameInputs && now.parts[name] === undefined)
    `,
  },

  'FALSIFY-EVID-004': {
    parts: {
      generated: {
        planned: 800,
        run: (context) => context.search(loosenings.typedLevels, context.planned, loosenings.countMissedOverclaims),
      },
      live: { planned: loosenings.TYPED_CASES, run: loosenings.measureTypedLevels },
    },
    faults: plants`
      src/runner/contract/rules/level-rules.ts
      gross typed-level-unchecked: validate believes every level
      - if (LEVELS.indexOf(declaredLevel) <= LEVELS.indexOf(level)) continue;
      + continue;
      src/runner/contract/parse-claim-keys.ts
      small typed-level-synonym-unread: DISCHARGED is read, FULL_DISCHARGED is not
      - if (/^(FULLY?_|LIVE_|STRUCTURALLY_)?DISCHARGED?$/.test(normal))
      + if (normal === 'DISCHARGED')
      src/runner/evidence/gate.ts
      small gate-one-level-too-much: the gate lets one level too much pass
      - levelRank(claim.declaredLevel) > levelRank(derivation.word)
      + levelRank(claim.declaredLevel) > levelRank(derivation.word) + 1
    `,
  },

  'FALSIFY-EVID-005': {
    parts: {
      generated: {
        planned: 1_500,
        run: (context) => context.search(records.reruns, context.planned, records.countWrongRecords),
      },
      live: { planned: records.RERUN_CASES, run: records.measureReruns },
    },
    faults: plants`
      src/runner/evidence/record.ts
      gross receipt-always-rewritten: every run writes its own time and machine
      - isUnchanged && previous !== null ? previous : receipt
      + receipt
      small receipt-only-parts-compared: another pin or fault leaves the old receipt in place
      - digestOfJson(asJson(previous.predicate.stable)) === digestOfJson(asJson(stable))
      + digestOfJson(asJson(previous.predicate.stable.parts)) === digestOfJson(asJson(stable.parts))
    `,
  },

  'FALSIFY-EVID-006': {
    parts: {
      generated: {
        planned: 1_000,
        run: (context) => context.search(styledEdits, context.planned, edits.countEditFaults),
      },
      live: { planned: edits.EDIT_CASES, run: edits.measureRunEdits },
    },
    faults: plants`
      src/runner/contract/yaml/edit-pairs.ts
      gross edit-eats-remark: a new value takes the rest of its line along
      - return { start: node.start, end, text: value.inline };
      + return { start: node.start, end: lineEnd(source, end), text: value.inline };
      small edit-unix-line-breaks: lines are added with the line break of Unix
      - return newline > 0 && source[newline - 1] === '\\r' ? '\\r\\n' : '\\n';
      + return '\\n';
    `,
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
    faults: plants`
      src/runner/sources/closure.ts
      gross closure-one-deep: imports of imports are not followed
      - waiting.push(...(taken === undefined ? node.next : takenBy(taken, node)));
      + if (closure.files.size === 1) waiting.push(...node.next);
      src/runner/sources/module-imports.ts
      small closure-dynamic-unseen: an import that waits is not followed
      - imports: imports.flatMap(
      + imports: imports.filter(({ d }) => d === -1).flatMap(
      small closure-assets-unseen: files that are named by URL are not pinned
      - urls: urls.map((match) => match[2] ?? '')
      + urls: []
    `,
  },

  'FALSIFY-EVID-008': {
    parts: {
      generated: { planned: kills.WRITER_CASES, run: kills.measureWriters },
      live: { planned: kills.RUN_KILL_CASES, run: kills.measureRuns },
    },
    faults: plants`
      src/engine/io/atomic-file.ts
      gross writer-empties-first: the old file is emptied before the new one is written
      - await writeFile(temporary, '', { flag: 'wx' });
      + await writeFile(temporary, '', { flag: 'wx' });
      +       await writeFile(target, '');
      small writer-removes-before-rename: for one step there is neither the old file nor the new
      - await rename(this.#temporary, this.#target);
      + await (await import('node:fs/promises')).rm(this.#target, { force: true });
      +       await rename(this.#temporary, this.#target);
    `,
  },
};
