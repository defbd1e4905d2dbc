// The page where something is missing: WebGPU, cross-origin isolation. It says so, and what is left works.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BROWSER_ABSENT } from './chromium.ts';
import { ask, choose, MODEL, pageTests } from './open-page.ts';

const root = new URL('../../', import.meta.url).pathname;

describe.skipIf(BROWSER_ABSENT !== null)('the page without WebGPU', () => {
  const open = pageTests({ hasWebgpu: false });

  it('says so, and runs and checks on the CPU', async () => {
    const { page } = await open();
    expect(await page.textContent('#gpu-state')).toMatch(/^There is no GPU .*Everything runs on the CPU\.$/);
    await choose(page, join(root, MODEL));
    expect(await ask(page, '12+30=')).toBe('42');
    expect(await page.textContent('#figures')).toContain('ran on cpu');
    await page.getByRole('button', { name: 'Check the CPU' }).click();
    await page.waitForSelector('[data-verdict]');
    expect(await page.textContent('[data-verdict]')).toContain('79 of 79 ops within their budgets');
  });

  it('opens a folder of safetensors as Transformers writes it', async () => {
    const { page } = await open();
    await page.setInputFiles('#folder', join(root, 'models/sums-2m/hf'));
    await page.waitForSelector('#generate:enabled');
    expect(await page.textContent('#model-facts')).toContain('safetensors');
    expect(await ask(page, '12+30=')).toBe('42');
  });

  it('is isolated by its service worker where the host sends no headers', async () => {
    const { page } = await open({ isIsolated: false });
    await page.waitForFunction(() => crossOriginIsolated && document.documentElement.dataset['ready'] === 'yes');
    expect(await page.isVisible('#isolation')).toBe(false);
    await choose(page, join(root, MODEL));
    expect(await ask(page, '12+30=')).toBe('42');
  });

  it('says what works and what does not where it is not isolated', async () => {
    const { page } = await open({ isIsolated: false, serviceWorkers: 'block' });
    expect(await page.textContent('#isolation')).toMatch(/^E_CROSS_ORIGIN_ISOLATION: .*What still works: /);
    await page.setInputFiles('#files', join(root, MODEL));
    await page.waitForSelector('#error:not([hidden])');
    expect(await page.textContent('#error')).toMatch(/^E_CROSS_ORIGIN_ISOLATION: /);
    expect(await page.textContent('#model-facts')).toContain('qwen2');
    expect(await page.isDisabled('#generate')).toBe(true);
  });
});
