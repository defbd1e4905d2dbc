// --engine on every command that runs a model, as a process: which executor ran is in the output, and one that is not
// there is declined with a list of those that are.
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { EXECUTORS } from '../../src/executors.ts';
import { temporaryFolder } from '../fixtures/temporary-folder.ts';
import { apr, aprJson } from './apr-process.ts';

const folder = fileURLToPath(new URL('../../models/sums-2m/', import.meta.url));
const model = `${folder}sums-2m.f16.gguf`;
const sum = ['--tokens', '22,10,23,28'];
const scratch = await temporaryFolder();

const COMMANDS: readonly (readonly [string, readonly string[], string])[] = [
  ['run', [model, ...sum, '--max-tokens', '3'], 'executor'],
  ['trace', [model, ...sum, '--payload'], 'executor'],
  ['check', [model, ...sum], 'engine'],
  ['parity', [model, '--pack', `${folder}packs/float64/raw-sum`], 'executor'],
];

describe.each(COMMANDS)('apr %s', (command, args, key) => {
  it('runs on float64 where it is asked to, and says so', async () => {
    const { said, json } = await aprJson([command, ...args, '--engine', 'float64']);
    expect(said.exitCode, said.stderr).toBe(0);
    expect(json[key]).toMatchObject({ requested: 'float64', ran: 'float64', adapter: null, why: 'asked for' });
  });

  it('runs on the CPU unless asked, and where the GPU is refused', async () => {
    const auto = await aprJson([command, ...args]);
    expect(auto.json[key]).toMatchObject({
      requested: 'auto',
      ran: 'cpu',
      why: expect.stringMatching(/^auto is the CPU; webgpu cannot run: there is no GPU/),
    });
    const cpu = await aprJson([command, ...args, '--no-gpu']);
    expect(cpu.json[key]).toMatchObject({ requested: 'cpu', ran: 'cpu', why: 'asked for' });
  });

  it('declines an engine that is not there, lists what is, and shows the same list as help', async () => {
    const { exitCode, stdout, stderr } = await apr([command, ...args, '--engine', 'abacus']);
    const names = ['auto', ...EXECUTORS.map(({ id }) => id)].join(', ');
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(`E_ENGINE --engine: there is no engine "abacus"; there are ${names}`);
    const help = await apr([command, '--help'], { COLUMNS: '200' });
    expect(help.stdout.replaceAll(/\s+/g, ' ')).toContain(`${names} (default: auto, `);
  });

  it('refuses --no-gpu beside another engine', async () => {
    const { exitCode, stderr } = await apr([command, ...args, '--no-gpu', '--engine', 'float64']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: expect.stringContaining('E_USAGE --no-gpu') });
  });
});

test('the float64 executor and the CPU generate the same tokens', async () => {
  const ids = async (engine: string): Promise<unknown> =>
    (await aprJson(['run', model, 'What is 17+25?', '--engine', engine])).json['generatedIds'];
  expect(await ids('float64')).toEqual(await ids('cpu'));
});

test('a capture of the float64 executor is written, and not judged as a dump: its doubles were rounded since', async () => {
  const capture = join(scratch, 'capture');
  const argv = ['trace', model, ...sum, '--engine', 'float64', '--save-tensor', 'all', '--save-tensor-dir', capture];
  expect((await apr(argv)).exitCode).toBe(0);
  const compared = await apr(['diff', capture, capture]);
  expect(compared.exitCode, compared.stderr).toBe(0);
  const judged = await apr(['check', model, '--dump', capture]);
  expect(judged).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('E_DUMP_PRECISION') });
});
