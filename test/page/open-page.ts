// The built page in a browser, for a test file: built anew, served from this machine, watched for errors on its console.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { buildPage } from '../../scripts/page.ts';
import { servePage } from '../../scripts/serve-page.ts';
import { launchChromium } from './chromium.ts';

export const MODEL = 'models/sums-2m/sums-2m.q4_k_m.gguf';
/** Software GPUs are slow, and other tests run beside this one. */
const TIMEOUT_MS = 50_000;

interface PageTest {
  page: Page;
  browser: Browser;
}

interface PageOptions extends BrowserContextOptions {
  /** False: the host sends no headers of cross-origin isolation. */
  isIsolated?: boolean;
}

/** Call at the top of a test file. @returns opens a fresh page, which is ready, for one test */
export function pageTests(browserOptions: { hasWebgpu: boolean }): (options?: PageOptions) => Promise<PageTest> {
  let folder: string;
  let browser: Browser;
  const servers = new Map<boolean, Awaited<ReturnType<typeof servePage>>>();
  const errors: string[] = [];
  const open: Page[] = [];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'refute-page-'));
    await buildPage(folder);
    browser = await launchChromium(browserOptions);
    for (const isIsolated of [true, false]) servers.set(isIsolated, await servePage(folder, { isIsolated }));
  });
  afterAll(async () => {
    await browser.close();
    for (const server of servers.values()) await server.close();
    await rm(folder, { recursive: true });
  });
  afterEach(async () => {
    for (const page of open.splice(0)) await page.context().close();
    expect(errors.splice(0)).toEqual([]);
  });
  return async ({ isIsolated = true, ...options } = {}) => {
    const page = await (await browser.newContext(options)).newPage();
    open.push(page);
    page.setDefaultTimeout(TIMEOUT_MS);
    page.on('console', (message) => {
      if (message.type() === 'error') errors.push(message.text());
    });
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(servers.get(isIsolated)?.url ?? '');
    await page.waitForSelector('html[data-ready]');
    return { page, browser };
  };
}

/** Of a picker. */
export async function choose(page: Page, path: string | Parameters<Page['setInputFiles']>[1]): Promise<void> {
  await page.setInputFiles('#files', path as string);
  await page.waitForSelector('#model-facts:not([hidden])');
  await page.waitForSelector('#generate:enabled');
}

export async function ask(page: Page, prompt: string): Promise<string> {
  await page.getByRole('textbox', { name: 'Prompt' }).fill(prompt);
  await page.getByRole('button', { name: 'Generate' }).click();
  await page.waitForSelector('#generate:enabled');
  return (await page.textContent('#answer')) ?? '';
}
