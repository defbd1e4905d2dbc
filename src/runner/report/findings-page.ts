// findings.md, beside the receipts of a claim: the same facts for people. Generated; the same receipts give the same
// bytes, so no times and no machine names.
import type { Claim } from '../contract/model.ts';
import { PART_NAMES } from '../contract/part-names.ts';
import { parseNumber } from '../contract/bar.ts';
import type { FaultSection, PartSection, Receipt, VolatilePart } from '../evidence/receipt.ts';

export function findingsText(claim: Claim, receipts: readonly Receipt[]): string {
  const lines = [
    '<!-- Written by pv falsify from the receipts in this folder. Edits are lost. -->',
    `# ${claim.id}`,
    '',
    plain(claim.prediction),
    '',
    `Contract \`${claim.contract.name}\`.`,
  ];
  for (const { predicate } of receipts) {
    const { stable, confirmations, volatile } = predicate;
    const { metric, comparator, threshold, unit } = stable.bar;
    lines.push('', `## ${stable.environment.class}`, '');
    lines.push(
      `Bar: \`${metric} ${comparator} ${threshold}${unit === '' ? '' : ` ${unit}`}\`, seed ${stable.seed}.`,
      '',
    );
    lines.push('| part | verdict | cases | worst | at |', '| --- | --- | ---: | ---: | --- |');
    for (const name of PART_NAMES) {
      const section = stable.parts[name];
      if (section !== undefined) lines.push(partRow(name, section));
    }
    lines.push('', ...faultLines(stable.faults, volatile.faults));
    for (const [name, section] of Object.entries(stable.parts)) {
      const { counterexample } = section;
      if (counterexample === null) continue;
      const measured = `${metric} ${counterexample.value} at ${cell(counterexample.where)}`;
      lines.push('', `Refuted (${name}): ${measured}, kept in [${counterexample.file}](${counterexample.file}).`);
      lines.push(`Replay: \`pv replay ${claim.id}\``);
    }
    const oracles = new Set(stable.touched.oracles.map(({ name, version }) => `${plain(name)} ${plain(version)}`));
    for (const oracle of oracles) lines.push('', `Outside oracle: ${oracle}.`);
    if (confirmations.length > 0)
      lines.push('', `Run again with the same inputs on ${confirmations.length} other machines.`);
  }
  return `${lines.join('\n')}\n`;
}

function partRow(name: string, { verdict, executed, planned, worst }: PartSection): string {
  const value = worst === null ? '–' : shortNumber(worst.value);
  const where = worst === null ? '–' : cell(worst.where);
  return `| ${name} | ${verdict} | ${executed} of ${planned} | ${value} | ${where} |`;
}

function faultLines(faults: readonly FaultSection[], sightings: VolatilePart['faults']): string[] {
  if (faults.length === 0) return ['No planted fault.'];
  return [
    '| planted fault | size | what is broken | seen | after cases |',
    '| --- | --- | --- | --- | ---: |',
    ...faults.map(
      ({ id, size, title, verdict }) =>
        `| ${cell(id)} | ${size} | ${cell(title)} | ${verdict} | ${sightings[id]?.executed ?? '–'} |`,
    ),
  ];
}

/** Four digits are enough to read; the receipt has them all. */
function shortNumber(text: string): string {
  const value = parseNumber(text);
  return Number.isInteger(value) || !Number.isFinite(value) ? text : String(Number(value.toPrecision(4)));
}

function plain(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

function cell(text: string): string {
  return plain(text).replaceAll('|', String.raw`\|`);
}
