// A strip along depth: one bar per op in program order, its height the error over the proven bound on a logarithmic
// scale, the bound as a line. Plain SVG without scripts, so that it shows in a pull request.
import type { OpResult } from '../../../diagnosis/index.ts';
import type { ShownCheck } from './text.ts';

const [WIDTH, HEIGHT, TOP, BOTTOM] = [960, 220, 56, 28];
/** Decades shown below and above the bound. */
const [BELOW, ABOVE] = [4, 4];
const FILL = { healthy: '#5b8c5a', suspect: '#d9a400', faulty: '#c0392b' } as const;

export function checkSvg({ model, report }: ShownCheck): string {
  const { results, sentence } = report;
  const plot = HEIGHT - TOP - BOTTOM;
  const step = WIDTH / Math.max(1, results.length);
  const bars = results.map((result, i) => bar(result, i * step, step, plot));
  const line = y(1, plot);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img">`,
    `<title>${escaped(sentence)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text x="8" y="20" font-family="sans-serif" font-size="14" font-weight="bold">${escaped(sentence.slice(0, 130))}</text>`,
    `<text x="8" y="40" font-family="sans-serif" font-size="11">${escaped(model.path)}: largest error over its proven bound, op by op (log scale)</text>`,
    ...bars,
    `<line x1="0" x2="${WIDTH}" y1="${line}" y2="${line}" stroke="#c0392b" stroke-dasharray="4 3"/>`,
    ...layerMarks(results, step),
    '</svg>',
    '',
  ].join('\n');
}

function y(rho: number, plot: number): number {
  const decades = Math.log10(Math.min(Math.max(rho, 10 ** -BELOW), 10 ** ABOVE));
  return Number((TOP + (plot * (ABOVE - decades)) / (BELOW + ABOVE)).toFixed(1));
}

function bar({ value, op, rhoProven, status }: OpResult, x: number, step: number, plot: number): string {
  const top = y(rhoProven, plot);
  const width = Math.max(0.5, step * 0.85).toFixed(2);
  const height = (HEIGHT - BOTTOM - top).toFixed(1);
  const title = `<title>${escaped(`${value} (${op}): ${rhoProven}`)}</title>`;
  return `<rect x="${x.toFixed(2)}" y="${top}" width="${width}" height="${height}" fill="${FILL[status]}">${title}</rect>`;
}

function layerMarks(results: readonly OpResult[], step: number): string[] {
  const first = new Map<number, number>();
  for (const [i, { layer }] of results.entries()) if (layer !== null && !first.has(layer)) first.set(layer, i);
  const every = Math.ceil(first.size / 24);
  return [...first]
    .filter(([layer]) => layer % every === 0)
    .map(
      ([layer, i]) =>
        `<text x="${(i * step).toFixed(1)}" y="${HEIGHT - 10}" font-family="sans-serif" font-size="10">${layer}</text>`,
    );
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
