// The greedy text of one model on every engine of ours: the CPU, WebGPU in Node, WebGPU in a page in headless Chromium, which
// opens the file through its picker. Slow on a GPU in software; exit code 1 where one differs.
//   node scripts/greedy-everywhere.ts MODEL PROMPT [MAX_TOKENS] [--screenshot FILE]
// With --screenshot the page compares GPU and CPU, too, on few positions, and the picture is of that.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { launchChromium } from '../test/page/chromium.ts';
import { printTable, right } from '../src/cli/terminal.ts';
import { buildPage } from './page.ts';
import { servePage } from './serve-page.ts';

const POSITIONS = 4;
const { positionals, values } = parseArgs({ allowPositionals: true, options: { screenshot: { type: 'string' } } });
const [model, prompt, maxTokens = '16'] = positionals;
if (model === undefined || prompt === undefined) {
  console.error('node scripts/greedy-everywhere.ts MODEL PROMPT [MAX_TOKENS] [--screenshot FILE]');
  process.exit(3);
}

interface Answer {
  where: string;
  text: string;
  seconds: number;
}

async function inNode(where: string, ...engine: string[]): Promise<Answer> {
  const start = performance.now();
  const argv = [
    'run',
    model ?? '',
    '--prompt',
    prompt ?? '',
    '--max-tokens',
    maxTokens,
    '--temperature',
    '0',
    '--json',
  ];
  const { stdout } = await execa(process.execPath, ['bin/apr.js', ...argv, ...engine]);
  return { where, text: (JSON.parse(stdout) as { text: string }).text, seconds: (performance.now() - start) / 1000 };
}

async function inPage(): Promise<Answer> {
  const folder = await mkdtemp(join(tmpdir(), 'refute-page-'));
  await buildPage(folder);
  const server = await servePage(folder, { isIsolated: true });
  const browser = await launchChromium({ hasWebgpu: true });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(30 * 60_000);
    await page.goto(server.url);
    await page.waitForSelector('html[data-ready]');
    const start = performance.now();
    await page.setInputFiles('#files', resolve(model ?? ''));
    await page.waitForSelector('#generate:enabled');
    await page.fill('#prompt', prompt ?? '');
    await page.fill('#max-tokens', maxTokens);
    await page.click('#generate');
    await page.waitForSelector('#generate:enabled');
    const text = (await page.textContent('#answer')) ?? '';
    const seconds = (performance.now() - start) / 1000;
    console.error(await page.textContent('#figures'));
    if (values.screenshot !== undefined) {
      await page.fill('#positions', String(POSITIONS));
      await page.click('#compare');
      await page.waitForSelector('#compare:enabled');
      for (const verdict of await page.locator('#verdicts p').allTextContents()) console.error(verdict);
      await page.screenshot({ path: values.screenshot, fullPage: true });
    }
    return { where: 'webgpu in Chromium', text, seconds };
  } finally {
    await browser.close();
    await server.close();
    await rm(folder, { recursive: true });
  }
}

const answers = [
  await inNode('cpu', '--engine', 'cpu'),
  await inNode('webgpu in Node', '--engine', 'webgpu', '--adapter', 'swiftshader'),
  await inPage(),
];
console.log(basename(model));
printTable(
  ['', right('seconds'), 'text'],
  answers.map(({ where, text, seconds }) => [where, seconds.toFixed(1), JSON.stringify(text)]),
);
const isSame = answers.every(({ text }) => text === answers[0]?.text);
console.log(isSame ? 'the same text on all three' : 'the texts differ: apr parity says whether that counts');
process.exitCode = isSame ? 0 : 1;
