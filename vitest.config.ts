import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { softwareAdapter } from './src/gpu/node/software-adapter.ts';

const software = await softwareAdapter();
const shared = {
  pool: 'forks',
  // CLI tests start real programs; two cores are the smallest machine that must pass.
  testTimeout: 60_000,
  hookTimeout: 60_000,
} as const;

const config: ViteUserConfig = defineConfig({
  test: {
    projects: [
      { test: { ...shared, name: 'cpu', include: ['test/**/*.test.ts'], exclude: ['test/gpu/**', 'test/page/**'] } },
      {
        // The environment must be there when a process starts. Elsewhere the system's own GPU serves.
        test: {
          ...shared,
          name: 'gpu',
          include: ['test/{gpu,page}/**/*.test.ts'],
          env: 'env' in software ? software.env : {},
        },
      },
    ],
  },
});
export default config;
