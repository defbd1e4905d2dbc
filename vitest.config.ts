import { defineConfig, type ViteUserConfig } from 'vitest/config';

const config: ViteUserConfig = defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // CLI tests start real programs; two cores are the smallest machine that must pass.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
export default config;
