// What `apr bench` prints for people.
import { bytesText, plural } from '../../figures.ts';
import { plainText, printLine, printTable, right, style } from '../../terminal.ts';
import type { BenchReport } from './bench.ts';
import type { Speed } from './measure.ts';

export function printBench(report: BenchReport): void {
  const { model, machine, promptTokens, decodeTokens, rounds, engines, ratios, medianRatios, weights } = report;
  printLine(style.bold(`${plainText(model.path)}: ${model.architecture}, ${model.types}`));
  printLine(`${machine.processor}, ${plural(machine.cores, 'core')}, Node ${machine.node}`);
  const prompt = `a prompt of ${plural(promptTokens, 'token')}, then ${decodeTokens} one by one`;
  printLine(`${prompt}; ${plural(rounds, 'round')}${engines.length > 1 ? ', in turns' : ''}; tokens per second`);
  printLine();
  const speed = ({ best, median }: Speed): string[] => [speedText(best), speedText(median)];
  const rows = engines.map(({ name, prefill, decode }) => [plainText(name), ...speed(prefill), ...speed(decode)]);
  if (ratios !== null && medianRatios !== null) {
    const both = (part: 'prefill' | 'decode'): string[] => [ratioText(ratios[part]), ratioText(medianRatios[part])];
    rows.push(['ratio, above 1 is faster', ...both('prefill'), ...both('decode')]);
  }
  printTable(['engine', right('prefill'), right('median'), right('decode'), right('median')], rows);
  printLine();
  const reading = report.readBytesPerSecond;
  const share =
    reading === null
      ? ''
      : `, ${((100 * weights.bytesPerSecond) / reading).toFixed(0)} % of what one thread reads here (${rateText(reading)})`;
  const read = `a token reads ${bytesText(weights.bytesPerToken)} of weights`;
  printLine(`${read}: ${rateText(weights.bytesPerSecond)}${share}`);
  printLine(
    `memory: ${bytesText(report.memory.peakBytes)} at most in this process; the tensors have ${bytesText(model.byteLength)}`,
  );
  if (report.ops === null) return;
  printLine();
  const total = report.ops.reduce((sum, { ms }) => sum + ms, 0);
  printTable(
    ['op of one token', right('ms'), right('share')],
    report.ops.map(({ name, ms }) => [name, ms.toFixed(3), `${((100 * ms) / total).toFixed(1)} %`]),
  );
}

function speedText(tokensPerSecond: number): string {
  return tokensPerSecond >= 100 ? tokensPerSecond.toFixed(0) : tokensPerSecond.toPrecision(3);
}

function ratioText(ratio: number): string {
  return `${ratio.toFixed(2)}x`;
}

function rateText(bytesPerSecond: number): string {
  return bytesPerSecond < 1e8
    ? `${(bytesPerSecond / 1e6).toFixed(1)} MB/s`
    : `${(bytesPerSecond / 1e9).toFixed(1)} GB/s`;
}
