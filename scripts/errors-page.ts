// Writes docs/errors.md: every error, notice and contract code with its exit code, its file and its words, read from the
// source by error-codes.ts. `npm run errors-page`; test/scripts/errors-page.test.ts holds that the page is up to date.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CODE_TITLES, severityOf, type Code } from '../src/runner/contract/codes.ts';
import { readCodes, type CodeUse } from './error-codes.ts';

const ROOT: string = fileURLToPath(new URL('../', import.meta.url));
const LINE = 116;

/** A folder of src without a title here stands under its own name. */
const TITLES: Readonly<Record<string, string>> = {
  cli: 'Command line',
  'engine/formats': 'Files: GGUF, safetensors, APRT, JSON',
  'engine/config': 'Model configuration',
  'engine/model': 'Opening a model',
  'engine/text': 'Tokenizers, prompts, sampling',
  'engine/program': 'Programs',
  'engine/cpu': 'CPU engine',
  'engine/capture': 'Captures and stages',
  'engine/io': 'Reading and writing files',
  'oracles/float64': 'Float64 oracle',
  'oracles/external': 'Other engines: llama.cpp, endpoints, commands',
  diagnosis: 'Diagnosis: check, parity, reference packs, dumps',
  runner: 'Contracts, falsifiers, evidence',
};

const HEAD = `# Error codes

Made from the source by \`npm run errors-page\`; do not edit. A code never changes its meaning; the words may.
\`<name>\` is what the program puts in, \`…\` are words that come from elsewhere (a library, the operating system).

| exit code | meaning |
| --: | --- |
| 0 | accepted |
| 1 | rejected: measured, and failed; tensors differ; a contract has errors |
| 2 | declined: nothing or not enough was measured |
| 3 | usage, unreadable file, configuration or internal error |
| 130 | interrupted |

An error is printed as \`place: what is wrong; what is allowed. What to do.\` and ends the program with the exit code
beside its code. Below stands what follows the place.
`;

export function errorsPage(root: string = ROOT): string {
  const uses = readCodes(root);
  const errors = uses.filter(({ kind }) => kind === 'error');
  const areas = Map.groupBy(errors, ({ file }) => areaOf(file));
  const sections = [...areas].map(([area, found]) =>
    section(TITLES[area] ?? area, found, (use) => `exit ${use.exitCode}`),
  );
  const notices = uses.filter(({ kind }) => kind !== 'error');
  return [HEAD, ...sections, section('Notices', notices, ({ kind }) => kind, NOTICES), contractCodes()].join('\n');
}

const NOTICES = 'What is odd about a file or a run but no reason to refuse it. Notices go to stderr and into `--json`.';

function areaOf(file: string): string {
  const [, top = '', folder = ''] = file.split('/');
  return top === 'engine' || top === 'oracles' ? `${top}/${folder}` : top;
}

function section(title: string, uses: readonly CodeUse[], label: (use: CodeUse) => string, preface = ''): string {
  const entries = [...Map.groupBy(uses, ({ code }) => code)].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const width = Math.max(...entries.map(([code]) => code.length));
  const lines = entries.flatMap(([code, same]) => {
    const labels = [...new Set(same.map(label))].join(', ');
    const files = [...new Set(same.map(({ file }) => file.replace(/^src\//, '')))];
    const sentences = [...new Set(same.flatMap((use) => use.sentences))];
    const [head = '', ...more] = wrap(files.join(', '), width + labels.length + 4);
    return [
      `${code.padEnd(width)}  ${labels}  ${head.trimStart()}`,
      ...more,
      ...sentences.flatMap((each) => bullet(each)),
    ];
  });
  return `## ${title}\n\n${preface === '' ? '' : `${preface}\n\n`}\`\`\`text\n${lines.join('\n')}\n\`\`\`\n`;
}

function contractCodes(): string {
  const codes = Object.keys(CODE_TITLES).toSorted() as Code[];
  const rows = codes.map((code) => `${code.padEnd(10)}  ${severityOf(code).padEnd(7)}  ${CODE_TITLES[code]}`);
  const preface = 'What `pv validate` says of a contract, as `file:line:column`. Errors make the exit code 1.';
  return `## Contract diagnostics\n\n${preface}\n\n\`\`\`text\n${rows.join('\n')}\n\`\`\`\n`;
}

function bullet(text: string): string[] {
  return wrap(text, 4).map((line, i) => (i === 0 ? `  - ${line.trimStart()}` : line));
}

function wrap(text: string, indent: number): string[] {
  const lines: string[] = [];
  let line = ' '.repeat(indent);
  for (const word of text.split(/\s+/)) {
    const isFirst = line.trim() === '';
    if (!isFirst && line.length + 1 + word.length > LINE) {
      lines.push(line);
      line = ' '.repeat(indent) + word;
    } else line += isFirst ? word : ` ${word}`;
  }
  return [...lines, line];
}

if (import.meta.main) writeFileSync(join(ROOT, 'docs/errors.md'), errorsPage());
