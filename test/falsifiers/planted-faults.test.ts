// Faults that are changes of a source file, in every falsifier and in the catalogue: the text that they replace stands
// in the product exactly once. A refactoring that moves it would leave a claim whose check nobody has seen fail.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { FAULTS } from '../../src/diagnosis/faults/catalogue.ts';
import type { FaultInjection } from '../../src/diagnosis/faults/fault.ts';
import type { Falsifier, PlantedFault } from '../../src/runner/run/falsifier.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** One per contract, and what single claims name. */
const modules = new Set([
  ...readdirSync(join(ROOT, 'falsifiers')).filter((name) => name.endsWith('.ts')),
  ...readdirSync(join(ROOT, 'contracts'))
    .filter((name) => name.endsWith('.yaml'))
    .flatMap((name) => [...readFileSync(join(ROOT, 'contracts', name), 'utf8').matchAll(/^ +falsifier: (\S+)$/gm)])
    .map(([, module]) => `${module}.ts`),
]);

async function faultsOf(module: string): Promise<[string, readonly PlantedFault[]][]> {
  const url = pathToFileURL(join(ROOT, 'falsifiers', module)).href;
  const { falsifiers } = (await import(url)) as { falsifiers: Readonly<Record<string, Falsifier>> };
  return Promise.all(
    Object.entries(falsifiers).map(
      async ([id, { faults, faultsOnWebgpu }]): Promise<[string, readonly PlantedFault[]]> => {
        const name = `${module.replace(/\.ts$/, '')} ${id}`;
        return [name, [...faults, ...((await faultsOnWebgpu?.()) ?? [])]];
      },
    ),
  );
}

/** How often the text to be replaced occurs, and whether replacing it changes anything; null for other faults. */
function occurrences(inject: FaultInjection | PlantedFault['inject']): { count: number; isChange: boolean } | null {
  if (inject.kind !== 'source') return null;
  const count = readFileSync(join(ROOT, inject.file), 'utf8').split(inject.find).length - 1;
  return { count, isChange: inject.find !== inject.replace };
}

const ONCE = { count: 1, isChange: true };

describe('a source fault', async () => {
  const claims = (await Promise.all([...modules].map(faultsOf))).flat();

  it.each(claims)('of %s replaces text that is there once', (_, faults) => {
    expect(faults.length).toBeGreaterThan(0);
    for (const { id, inject } of faults) expect({ id, ...(occurrences(inject) ?? ONCE) }).toEqual({ id, ...ONCE });
  });

  it.each(FAULTS)('of the catalogue replaces text that is there once: $id', (fault) => {
    for (const size of ['gross', 'small'] as const) {
      expect({ size, ...(occurrences(fault[size].inject) ?? ONCE) }).toEqual({ size, ...ONCE });
    }
  });
});
