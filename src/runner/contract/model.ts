// What a contract says, typed, with the place of every statement. Only what the tools act on is typed; the whole file
// stays reachable through `root` and each entity's `node`, unknown keys included. Made by parse-contract.ts.
import type { Bar } from './bar.ts';
import type { LineIndex } from './line-index.ts';
import type { DuplicateKey, YamlMap } from './yaml/yaml-node.ts';

/** The ladder of DESIGN §7, lowest first. */
export const LEVELS = ['NONE', 'PARTIAL_ALGORITHM_LEVEL', 'FUNCTIONAL', 'DISCHARGED'] as const;
export type Level = (typeof LEVELS)[number];
/** What a claim may ask for. */
export type RequiredLevel = Exclude<Level, 'NONE'>;

/** Executors a claim may need evidence on. float64 is what they are judged by. */
export const CLAIM_EXECUTORS = ['cpu', 'webgpu'] as const;
export type ClaimExecutor = (typeof CLAIM_EXECUTORS)[number];

export const EVIDENCE_KEYS = ['algorithm_evidence', 'functional_evidence', 'discharge_evidence'] as const;
export type EvidenceKey = (typeof EVIDENCE_KEYS)[number];

/** As `pv` writes it under an evidence key. */
export interface EvidenceEntry {
  /** Path of the receipt, relative to the project root, with `/`. */
  receipt: string;
  /** `sha256:` and 64 hex digits. */
  digest: string;
  /** The most telling number, in words: `ρ 0.31 of 4096 rows`. */
  figure: string;
}

/** The value of one evidence key: entries that `pv` wrote, and texts that people wrote. */
export interface DeclaredEvidence {
  entries: EvidenceEntry[];
  prose: string[];
}

/** Where an entity begins in its file. */
export interface Located {
  line: number;
  column: number;
  node: YamlMap;
}

export interface Equation extends Located {
  /** Key of the map form, `id` of the list form, `equation_<n>` of a list item without one. */
  name: string;
  formula: string;
  domain?: string;
  codomain?: string;
  invariants: string[];
}

export interface Obligation extends Located {
  /** As written. */
  id?: string;
  /** `id`, or `<contract>#<type>-<n>`, counted per type in file order. */
  handle: string;
  type: string;
  property: string;
  formal?: string;
  appliesTo?: string;
  parentContract?: string;
}

/** A falsification test: the unit that is run, has evidence and has a level. */
export interface Claim extends Located {
  /** As written, or `<contract>#test-<n>` where the file gives none (an error). */
  id: string;
  contract: Contract;
  rule?: string;
  prediction: string;
  ifFails?: string;
  /** The prose `test:`. Never executed. */
  test?: string;
  bindsTo?: string;
  /** What `binds_to` names, when the file has it. */
  equation?: { name: string; formula: string };
  /** Absent when the file gives none or an incomplete one. */
  bar?: Bar;
  requiredLevel: RequiredLevel;
  executors: ClaimExecutor[];
  outsideOracle: { possible: boolean; reason?: string };
  faults: string[];
  /** Argument list of a black-box check; the first is the program. */
  run?: string[];
  /** The module in falsifiers/ that holds the falsifier: the contract's own unless `falsifier:` says another. */
  falsifier: string;
  /** True when a key of ours (`bar`, `faults`, `falsifier`, `run`, …) says that this test is to be run here. */
  isBound: boolean;
  /** The word under `status` (or `discharge_status`), as written. */
  status?: string;
  /** The level that word claims, when it is one of the ladder's. */
  declaredLevel?: Level;
  evidence: { algorithm?: DeclaredEvidence; functional?: DeclaredEvidence; discharge?: DeclaredEvidence };
}

export interface Harness extends Located {
  id: string;
  obligation: string;
  bound?: number;
}

/** A claim that was withdrawn; its id is never used again. */
export interface Retired extends Located {
  id: string;
  reason: string;
}

export interface Metadata {
  version: string;
  description: string;
  created?: string;
  author?: string;
  /** `kernel` when the file does not say. */
  kind: string;
  isKindDeclared: boolean;
  /** The author's lifecycle word (PROPOSED, ACTIVE, …). Not a level. */
  status?: string;
  references: string[];
  dependsOn: string[];
  changelog: string[];
}

export interface Contract {
  /** File name without extension: `rmsnorm-v1`. What `depends_on` and falsifiers/ call it. */
  name: string;
  /** Name without the version: `rmsnorm`. */
  stem: string;
  /** The `n` of `-v<n>`; absent when the file name has none. */
  fileVersion?: number;
  path: string;
  source: string;
  lines: LineIndex;
  root: YamlMap;
  duplicates: DuplicateKey[];
  metadata: Metadata;
  equations: Equation[];
  obligations: Obligation[];
  claims: Claim[];
  harnesses: Harness[];
  retired: Retired[];
}
