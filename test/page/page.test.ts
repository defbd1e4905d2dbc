// The page on WebGPU, in headless Chromium on a GPU in software: what a person does, and what the page says.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { apr } from '../cli/apr-process.ts';
import { BROWSER_ABSENT } from './chromium.ts';
import { ask, choose, MODEL, pageTests } from './open-page.ts';

const PROMPT = '12+30=';
const root = new URL('../../', import.meta.url).pathname;

async function textOfCpu(prompt: string): Promise<string> {
  const { stdout } = await apr(['run', MODEL, prompt, '--max-tokens', '64', '--engine', 'cpu', '--json']);
  return (JSON.parse(stdout) as { text: string }).text;
}

describe.skipIf(BROWSER_ABSENT !== null)('the page on WebGPU', () => {
  const open = pageTests({ hasWebgpu: true });

  it('names the adapter and its limits, and says that nothing is uploaded', async () => {
    const { page } = await open();
    expect(await page.textContent('#gpu-state')).toContain('swiftshader');
    expect(await page.textContent('#gpu-facts')).toContain('largest binding1.0 GiB');
    expect(await page.textContent('header')).toContain('Nothing is uploaded');
  });

  it('gives the greedy text of apr run on the CPU, from a file that was picked', async () => {
    const { page } = await open();
    await choose(page, join(root, MODEL));
    const expected = await textOfCpu(PROMPT);
    expect(expected).toBe('42');
    expect(await ask(page, PROMPT)).toBe(expected);
    expect(await page.textContent('#figures')).toMatch(/2 tokens, stop, [\d.]+ tokens\/s; .*ran on .*swiftshader/);
    expect(await page.isVisible('#bar')).toBe(false);
    await page.getByRole('button', { name: 'Compute sha256' }).click();
    const { sha256 } = JSON.parse((await apr(['inspect', MODEL, '--json', '--sha256'])).stdout) as { sha256: string };
    await page.getByText(sha256).waitFor();
  });

  it('gives it from a file that was dropped, on the CPU where that is asked for', async () => {
    const { page } = await open();
    await page.getByLabel('Engine').selectOption('CPU');
    const base64 = await readFile(join(root, MODEL), 'base64');
    const data = await page.evaluateHandle((text) => {
      const bytes = Uint8Array.from(atob(text), (character) => character.codePointAt(0) ?? 0);
      const transfer = new DataTransfer();
      transfer.items.add(new File([bytes], 'dropped.gguf'));
      return transfer;
    }, base64);
    await page.dispatchEvent('#drop', 'drop', { dataTransfer: data });
    await page.waitForSelector('#generate:enabled');
    expect(await page.textContent('#model-facts')).toContain('dropped.gguf');
    expect(await ask(page, PROMPT)).toBe('42');
    expect(await page.textContent('#figures')).toContain('ran on cpu');
  });

  it('stops within a step', async () => {
    const { page } = await open();
    // It knows no end, and would run for minutes.
    const bytes = await readFile(join(root, MODEL));
    const endless = Buffer.from(bytes.toString('latin1').replaceAll('<|im_end|>', '<|im_xxx|>'), 'latin1');
    const key = 'tokenizer.ggml.eos_token_id';
    endless.writeUInt32LE(0, endless.indexOf(key) + key.length + 4);
    await choose(page, { name: 'endless.gguf', mimeType: '', buffer: endless });
    await page.getByLabel('Tokens at most').fill('400');
    await page.getByRole('button', { name: 'Generate' }).click();
    await page.waitForFunction(() => (document.querySelector('#answer')?.textContent ?? '').length >= 3);
    const startMs = performance.now();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.waitForSelector('#generate:enabled');
    expect(performance.now() - startMs).toBeLessThan(5000);
    expect(await page.textContent('#figures')).toMatch(/^Stopped: \d+ tokens? in/);
    expect(await page.isVisible('#error')).toBe(false);
  });

  it('holds the GPU against the CPU by position and by op, and passes where packs vouch for the program', async () => {
    const { page } = await open();
    await page.setInputFiles('#folder', join(root, 'models/sums-2m'));
    await page.waitForSelector('#generate:enabled');
    await page.getByLabel('Model in it').selectOption(MODEL.replace('models/', ''));
    await page.waitForSelector('#generate:enabled');
    await page.getByRole('textbox', { name: 'Prompt' }).fill('7+8=');
    await page.getByLabel('Positions at most').fill('7');
    await page.getByRole('button', { name: 'Compare GPU and CPU' }).click();
    await page.waitForSelector('#compare:enabled');
    const verdicts = await page
      .locator('[data-verdict]')
      .evaluateAll((lines) => lines.map((line) => [line.textContent?.split(':')[0], line.dataset['verdict']]));
    expect(verdicts).toEqual([
      ['Parity', 'PASS'],
      ['Every op on WebGPU', 'PASS'],
      ['Every op on CPU', 'PASS'],
    ]);
    expect(await page.textContent('#extent')).toContain('7 positions of 12');
    const [positions, ops] = await page
      .locator('table')
      .evaluateAll((tables) =>
        (tables as HTMLTableElement[]).map((table) =>
          [...table.rows].map((row) => [...row.cells].map((cell) => cell.textContent)),
        ),
      );
    expect(positions?.slice(1).map((row) => [row[0], row.at(-1)])).toEqual(
      Array.from({ length: 7 }, (_, position) => [String(position), position === 0 ? 'same, decides nothing' : 'same']),
    );
    expect(ops?.map(([op]) => op)).toContain('attention');
    // WebGPU and CPU each: the largest error over its expected budget, not 0 where anything is rounded.
    const matmul =
      ops
        ?.find(([op]) => op === 'matmul')
        ?.slice(2, 6)
        .map(Number) ?? [];
    expect(matmul.every((rho) => rho > 0 && rho < 1)).toBe(true);
  });

  it('says what is wrong with a file, with the code, and goes on', async () => {
    const { page } = await open();
    const cut = (await readFile(join(root, MODEL))).subarray(0, 100_000);
    await page.setInputFiles('#files', { name: 'cut.gguf', mimeType: '', buffer: cut });
    await page.waitForSelector('#error:not([hidden])');
    expect(await page.textContent('#error')).toMatch(/^E_GGUF_\w+: cut\.gguf/);
    await page.setInputFiles('#files', { name: 'notes.txt', mimeType: '', buffer: Buffer.from('no model') });
    await page.waitForFunction(() => document.querySelector('#error')?.textContent?.includes('notes.txt'));
    expect(await page.textContent('#error')).toMatch(/^E_\w+: notes\.txt/);
    await choose(page, join(root, MODEL));
    expect(await page.isVisible('#error')).toBe(false);
  });

  it('says that the device was lost, and opens another one', async () => {
    const { page, browser } = await open();
    await choose(page, join(root, MODEL));
    expect(await ask(page, PROMPT)).toBe('42');
    await (await browser.newBrowserCDPSession()).send('Browser.crashGpuProcess' as never);
    await page.waitForTimeout(500);
    await ask(page, PROMPT);
    expect(await page.textContent('#error')).toContain('E_GPU_LOST');
    expect(await ask(page, PROMPT)).toBe('42');
  });

  it('is used with the keyboard alone', async () => {
    const { page } = await open();
    const focused = () => page.evaluate(() => document.activeElement?.id);
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('files');
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.keyboard.press('Enter')]);
    await chooser.setFiles(join(root, MODEL));
    await page.waitForSelector('#generate:enabled');
    const order: (string | undefined)[] = [];
    await page.locator('#files').focus();
    for (let step = 0; step < 12 && order.at(-1) !== 'compare'; step += 1) {
      await page.keyboard.press('Tab');
      order.push(await focused());
    }
    const expected = 'folder hash prompt engine max-tokens raw generate answer positions compare';
    expect(order).toEqual(expected.split(' '));
    await page.locator('#prompt').focus();
    await page.keyboard.press('Control+A');
    await page.keyboard.type(PROMPT);
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowDown');
    expect(await page.inputValue('#engine')).toBe('cpu');
    for (let step = 0; step < 3; step += 1) await page.keyboard.press('Tab');
    // The CPU may be done before anybody asks where the focus is.
    await page.evaluate(() => {
      document.addEventListener('focusin', ({ target }) => (document.title += ` ${(target as HTMLElement).id}`));
    });
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelector('#answer')?.textContent === '42');
    await page.waitForSelector('#generate:enabled');
    expect(await focused()).toBe('generate');
    expect(await page.title()).toMatch(/ stop generate$/);
    await page.locator('#answer').evaluate((answer) => (answer.textContent = 'nothing new'));
    await page.locator('#prompt').focus();
    await page.keyboard.press('Control+Enter');
    await page.waitForFunction(() => document.querySelector('#answer')?.textContent === '42');
    await page.waitForSelector('#generate:enabled');
  });

  it('has a name for all that can be used, and a live region for the answer', async () => {
    const { page } = await open();
    await choose(page, join(root, MODEL));
    const tree = await page.locator('body').ariaSnapshot();
    const controls = tree
      .split('\n')
      .filter((line) => /- (button|textbox|combobox|spinbutton|checkbox|log)\b/.test(line));
    expect(controls.length).toBeGreaterThan(9);
    expect(controls.filter((line) => !/- \w+ "[^"]+"/.test(line))).toEqual([]);
    expect(await page.getByRole('log', { name: 'Answer' }).getAttribute('aria-live')).toBe('polite');
  });
});
