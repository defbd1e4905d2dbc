import { availableParallelism } from 'node:os';
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { softwareAdapter } from './src/gpu/node/software-adapter.ts';

const software = await softwareAdapter();
/** What the programs under test keep of a machine; by digests, so that nothing old is taken. */
const KEPT = new URL('node_modules/.cache/refute/tests', import.meta.url).pathname;
const shared = {
  pool: 'forks',
  // CLI tests start real programs; two cores are the smallest machine that must pass.
  testTimeout: 60_000,
  hookTimeout: 60_000,
} as const;

const config: ViteUserConfig = defineConfig({
  test: {
    // The default leaves a core idle, which on two of them is half of the machine.
    maxWorkers: availableParallelism(),
    projects: [
      {
        // On a machine with a GPU, too, `--engine auto` is the CPU in the programs that these start.
        test: {
          ...shared,
          name: 'cpu',
          include: ['test/**/*.test.ts'],
          exclude: ['test/gpu/**', 'test/page/**'],
          env: { NODE_OPTIONS: `--import ${new URL('test/fixtures/no-gpu-preload.mjs', import.meta.url).href}` },
        },
      },
      {
        // The environment must be there when a process starts. Elsewhere the system's own GPU serves.
        test: {
          ...shared,
          name: 'gpu',
          include: ['test/{gpu,page}/**/*.test.ts'],
          env: { ...('env' in software ? software.env : {}), XDG_CACHE_HOME: KEPT },
        },
      },
    ],
  },
});
export default config;
