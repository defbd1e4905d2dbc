// Starts a program from its TypeScript source in a checkout and from dist/ in an installed package.
// Plain JavaScript without dependencies, so that an old Node can still read it and be told what is missing.
import { existsSync } from 'node:fs';
import * as module from 'node:module';

/** @param {'pv' | 'apr'} name */
export async function launch(name) {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < 24) {
    console.error(
      `${name}: this is Node ${process.versions.node}; Node 24 or newer is needed. In a checkout run "npm ci" (it brings Node 24), then "npx ${name}".`,
    );
    process.exit(3);
  }
  // Stripped and compiled once per file and version: the second start of a program takes half as long.
  module.enableCompileCache?.();
  const source = new URL(`../src/cli/${name}.ts`, import.meta.url);
  await import(existsSync(source) ? source.href : new URL(`../dist/src/cli/${name}.js`, import.meta.url).href);
}
