// `pv validate` on 2,000 contracts: wall and processor time of the whole program, and of its parts in one process, beside
// the YAML library alone on the same text. Run: node bench/validate.ts [count]. Ratios of one run, not a timed test.
//
// Seen on 2 cores, shared with other work, the least of several runs: 200 contracts 0.60 s wall, 0.6 s of processor time;
// 2,000 in 3.0 s wall, 2.7 s of processor time, of which the YAML library takes 1.9 (0.9 to 1.2 ms a file). The limits are
// 0.8 s and 4 s, so nothing is read in parallel and nothing is cached. This repository's 28 contracts, whose levels are
// derived from 122 receipts: 0.72 s. A hand-written reader of 650 lines, since removed, did those 1.9 s of work in 0.13 s.
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { parseDocument } from 'yaml';
import { validatePaths } from '../src/runner/contract/index.ts';
import { readYaml } from '../src/runner/contract/yaml/read-yaml.ts';

const count = Number(process.argv[2] ?? 2000);
const LAUNCHER = fileURLToPath(new URL('../bin/pv.js', import.meta.url));

/** About the size and mix of the original's contracts: 4 to 5 KB, 140 lines. */
function contractText(index: number): string {
  const many = (length: number, line: (item: number) => string): string =>
    Array.from({ length }, (_, i) => line(i)).join('');
  const dependency = index === 0 ? '[]' : `\n  - kernel-${Math.floor(index / 2)}-v1`;
  return `# Kernel ${index}
metadata:
  version: "1.0.0"
  created: "2026-02-18"
  author: Bench
  description: Kernel ${index} — what it computes, and where it may be wrong
  references:
  - Author et al. (2017) The paper that the kernel comes from
  - "Another source: https://example.org/${index}"
  depends_on: ${dependency}
equations:
${many(
  4,
  (i) => `  equation_${i}:
    formula: y_i = x_i / √(mean(x²) + ε) · g_i  # ${i}
    domain: x ∈ ℝⁿ, n > 0
    codomain: ℝⁿ
    invariants:
    - finite in, finite out
    - "sign(y_i) = sign(x_i): always"
`,
)}proof_obligations:
${many(
  5,
  (i) => `- type: ${['invariant', 'bound', 'equivalence', 'monotonicity', 'ordering'][i] ?? 'bound'}
  property: Property ${i} of kernel ${index}
  formal: '|f(x) - g(x)| <= ${i}e-6 for all x'
  tolerance: ${i}.0e-6
  applies_to: all
`,
)}falsification_tests:
${many(
  6,
  (i) => `- id: FALSIFY-B${index}-00${i}
  rule: Property ${i}
  prediction: |
    The output agrees with the reference
    for every input of the domain.
  test: generated inputs against float64
  if_fails: the accumulator rounds in the wrong place
  binds_to: equation_${i % 4}
`,
)}kani_harnesses:
${many(
  3,
  (i) => `- id: KANI-B${index}-00${i}
  obligation: Property ${i} of kernel ${index}
  property: Property ${i}
  bound: 8
  strategy: stub_float
  solver: cadical
`,
)}qa_gate:
  id: F-B${index}-001
  name: Kernel ${index}
  checks:
  - FALSIFY-B${index}-000
  - FALSIFY-B${index}-001
  pass_criteria: all tests pass
  falsification: break the accumulator
simd_dispatch:
  kernel: { scalar: kernel_scalar, avx2: kernel_avx2 }
`;
}

interface Cost {
  wallMs: number;
  cpuMs: number;
}

async function costOf(run: () => unknown): Promise<Cost> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  await run();
  const { user, system } = process.cpuUsage(cpu);
  return { wallMs: performance.now() - start, cpuMs: (user + system) / 1000 };
}

/** Of another program's processor time nothing is known. */
function print(name: string, { wallMs, cpuMs }: Pick<Cost, 'wallMs'> & Partial<Cost>): void {
  const processor = cpuMs === undefined ? '' : ` ${cpuMs.toFixed(0).padStart(6)} ms processor`;
  console.log(`${name.padEnd(44)} ${wallMs.toFixed(0).padStart(6)} ms wall${processor}`);
}

const folder = mkdtempSync(join(tmpdir(), 'refute-bench-'));
try {
  const contracts = join(folder, 'contracts');
  mkdirSync(contracts);
  const texts = Array.from({ length: count }, (_, index) => contractText(index));
  texts.forEach((text, index) => writeFileSync(join(contracts, `kernel-${index}-v1.yaml`), text));
  const totalBytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  console.log(`${count} contracts, ${(totalBytes / 1e6).toFixed(1)} MB\n`);

  for (const round of [1, 2, 3]) {
    const start = performance.now();
    const { stdout } = await execa(process.execPath, [LAUNCHER, 'validate', contracts]);
    print(`pv validate, program ${round}`, { wallMs: performance.now() - start });
    if (round === 1) console.log(`  ${stdout.split('\n').at(-1) ?? ''}`);
  }
  const { wallMs } = await costOf(() => execa(process.execPath, [LAUNCHER, '--help']));
  print('pv --help (start alone)', { wallMs });
  print('in process, cold: read, parse, all rules', await costOf(() => validatePaths([contracts])));
  print('in process, warm', await costOf(() => validatePaths([contracts])));
  print('YAML to tree alone, warm', await costOf(() => texts.forEach((text) => readYaml(text))));
  print('YAML library alone (parseDocument)', await costOf(() => texts.forEach((text) => parseDocument(text))));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
