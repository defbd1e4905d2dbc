// The compiled program of the bundled model against the recorded values of Transformers in float64, at every stage and
// position. What no check inside the engine can see (eps, theta, pairing, order of norms) shows here.
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { captureRun } from '../../../src/engine/capture/capture-run.ts';
import { readCapture } from '../../../src/engine/capture/read-capture.ts';
import { MemorySink } from '../../../src/engine/capture/sink.ts';
import { openCpuExecutor } from '../../../src/engine/cpu/cpu-executor.ts';
import type { ModelTransform } from '../../../src/engine/model/model.ts';
import { openModel } from '../../../src/engine/model/open-model.ts';

const bundled = fileURLToPath(new URL('../../../models/sums-2m/', import.meta.url));
/** √(Σ(ours − theirs)² / Σ theirs²) of a whole stage. Seen: 6.1e-7 at worst, the rounding of float32 over four layers. */
const MAX_RELATIVE_RMS = 4e-6;

/** The worst stage of a prompt, and how many were compared. */
async function compare(prompt: string, transform: ModelTransform = {}): Promise<{ worst: number; stageCount: number }> {
  const capture = await readCapture(`${bundled}packs/float64/${prompt}`);
  const model = await openModel(`${bundled}sums-2m.f16.gguf`, { transform });
  const executor = await openCpuExecutor(model.program, model.weights);
  const sink = new MemorySink();
  const { tokens } = capture.manifest;
  await captureRun({ executor, tokens, stages: model.program.stages, positions: 'all', sink });
  await executor.close();
  await model.close();
  let worst = 0;
  for (const path of capture.paths) {
    const theirs = await capture.read(path);
    const ours = sink.stages.get(path);
    expect(ours?.shape, path).toEqual(capture.file(path)?.shape);
    let [difference, size] = [0, 0];
    for (const [i, value] of theirs.entries()) {
      difference += ((ours?.data[i] ?? Number.NaN) - value) ** 2;
      size += value ** 2;
    }
    worst = Math.max(worst, Math.sqrt(difference / size));
  }
  return { worst, stageCount: capture.paths.length };
}

describe('the qwen2 program', () => {
  it.each(['chat-addition', 'raw-sum', 'spell-backwards', 'two-turns', 'unicode'])(
    'agrees with Transformers on %s',
    async (prompt) => {
      const { worst, stageCount } = await compare(prompt);
      expect(stageCount).toBe(75);
      expect(worst).toBeLessThanOrEqual(MAX_RELATIVE_RMS);
    },
  );

  it.each<[string, ModelTransform]>([
    ['eps', { config: (config) => ({ ...config, rmsNormEps: config.rmsNormEps * 10 }) }],
    ['theta', { config: (config) => ({ ...config, rope: { ...config.rope, theta: 10_100 } }) }],
    ['pairing', { config: (config) => ({ ...config, rope: { ...config.rope, pairing: 'norm' } }) }],
    ['window', { config: (config) => ({ ...config, slidingWindow: 10 }) }],
  ])('does not agree with another %s', async (_, transform) => {
    expect((await compare('chat-addition', transform)).worst).toBeGreaterThan(MAX_RELATIVE_RMS);
  });
});
