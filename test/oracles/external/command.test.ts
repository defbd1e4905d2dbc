// An engine behind a command line: small Node programs that answer well, badly, slowly, too much, or not at all.
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CommandEngine, type CommandAnswer, type CommandOptions } from '../../../src/oracles/external/index.ts';
import { isRunning } from '../../fixtures/is-running.ts';
import { refusal } from '../../fixtures/refusal.ts';
import { temporaryFolder } from '../../fixtures/temporary-folder.ts';

const folder = await temporaryFolder();
const QUESTION = { modelPath: 'm o$(x).gguf', tokens: [5, 7], vocabSize: 3 };

function engine(source: string, options: Partial<CommandOptions> = {}, ...rest: string[]): CommandEngine {
  return new CommandEngine({ argv: [process.execPath, '-e', source, ...rest], ...options });
}
const ask = (source: string, options: Partial<CommandOptions> = {}): Promise<CommandAnswer> =>
  engine(source, options).ask(QUESTION);

describe('a command', () => {
  it('is given model and ids as they are, without a shell, and its rows are read', async () => {
    const source = `
      const [model, tokens] = process.argv.slice(1);
      if (model !== 'm o$(x).gguf' || tokens !== 'ids:5,7') process.exit(9);
      console.log(JSON.stringify({ logits: [[1, 2, 3], [-4, 5e-3, 6]] }))`;
    const command = engine(source, {}, '{model}', 'ids:{tokens}');
    expect(await command.ask(QUESTION)).toEqual({ logits: Float64Array.of(1, 2, 3, -4, 5e-3, 6), rowCount: 2 });
  });

  it('may print the last row alone', async () => {
    expect(await ask('console.log(`{"logits":[[1,2,3]]}`)')).toMatchObject({ rowCount: 1 });
  });

  it('may write a folder instead, which is removed on closing', async () => {
    const source = `require('fs').writeFileSync(process.argv[1] + '/manifest.json', '{}')`;
    const command = engine(source, {}, '{out}');
    const answer = await command.ask(QUESTION);
    if (!('folder' in answer)) throw new Error('no folder');
    expect(existsSync(join(answer.folder, 'manifest.json'))).toBe(true);
    await command.close();
    expect(existsSync(answer.folder)).toBe(false);
  });

  it('is named by argv and version, and its digest follows what it gave', async () => {
    const versionArgv = [process.execPath, '-e', 'console.log("toy 1.2\\nmore")'];
    const identify = async (logit: number): Promise<{ name: string; version: string; digest: string }> => {
      const command = engine('console.log(`{"logits":[[1,2,${process.argv[1]}]]}`)', { versionArgv }, String(logit));
      await command.ask(QUESTION);
      return command.identity();
    };
    const [three, again, four] = [await identify(3), await identify(3), await identify(4)];
    expect(three).toMatchObject({ version: 'toy 1.2', name: expect.stringContaining(process.execPath) });
    expect(again.digest).toBe(three.digest);
    expect(four.digest).not.toBe(three.digest);
  });
});

describe('a command is refused', () => {
  it.each<[string, string, string]>([
    ['that prints nothing', 'E_COMMAND_OUTPUT', ''],
    ['that prints no JSON', 'E_COMMAND_OUTPUT', 'console.log("hello")'],
    ['without logits', 'E_COMMAND_OUTPUT', 'console.log("{}")'],
    ['with rows for other tokens', 'E_COMMAND_OUTPUT', 'console.log(`{"logits":[[1,2,3],[1,2,3],[1,2,3]]}`)'],
    ['with another vocabulary', 'E_COMMAND_OUTPUT', 'console.log(`{"logits":[[1,2],[1,2]]}`)'],
    ['with a NaN spelt null', 'E_COMMAND_OUTPUT', 'console.log(`{"logits":[[1,2,null]]}`)'],
    ['with an infinity', 'E_COMMAND_OUTPUT', 'console.log(`{"logits":[[1,2,1e999]]}`)'],
    ['that is killed', 'E_COMMAND_EXIT', 'process.kill(process.pid, "SIGKILL")'],
  ])('%s', async (_what, code, source) => {
    await refusal(code, () => ask(source));
  });

  it('that fails, with the tail of what it complained', async () => {
    const source = 'console.error("x".repeat(900) + "no CUDA here"); process.exit(4)';
    const { message } = await refusal('E_COMMAND_EXIT', () => ask(source));
    expect(message).toMatch(/ended with 4, saying at the end "…x+no CUDA here"/);
    expect(message.length).toBeLessThan(600);
  });

  it('that cannot be started, or names nothing', async () => {
    await refusal('E_COMMAND_START', () => new CommandEngine({ argv: [join(folder, 'gone')] }).ask(QUESTION));
    await refusal('E_COMMAND_ARGV', () => new CommandEngine({ argv: [] }));
    await refusal('E_COMMAND_ARGV', () => new CommandEngine({ argv: [''] }));
  });

  it('that prints without end', async () => {
    await refusal('E_COMMAND_SIZE', () =>
      ask('for (;;) require("fs").writeSync(1, "x".repeat(4096))', { outputLimitBytes: 100_000 }),
    );
  });

  it('that prints so many controls that their escapes would not fit a string', async () => {
    const zeros = 'const all = Buffer.alloc(4 << 20); for (;;) require("fs").writeSync(1, all)';
    await refusal('E_COMMAND_SIZE', () => ask(zeros, { outputLimitBytes: 100 << 20 }));
  });

  it('that does not end, and what it has started ends with it', async () => {
    const pidFile = join(folder, 'pid');
    await writeFile(pidFile, '');
    const source = `
      const child = require('child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
      require('fs').writeFileSync(${JSON.stringify(pidFile)}, String(child.pid));
      setInterval(() => {}, 1000)`;
    await refusal('E_COMMAND_TIME', () => ask(source, { timeLimitMs: 2000 }));
    const pid = Number(await readFile(pidFile, 'utf8'));
    expect(pid).toBeGreaterThan(0);
    await expect.poll(() => isRunning(pid)).toBe(false);
  });
});
