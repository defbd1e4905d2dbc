// What the page and its worker say to each other. One job runs at a time; `stop` ends it within a step.
import type { ChosenFile, FinishReason, Notice } from '../engine/index.ts';
import type { VerdictWord } from '../diagnosis/index.ts';
import type { CpuParityReport } from '../diagnosis/parity/index.ts';

export type EngineName = 'webgpu' | 'cpu';

/** How a prompt is put: through the chat template of the model, or as it stands. */
export interface AskedPrompt {
  prompt: string;
  isRaw: boolean;
}

export type Job =
  /** Which adapter is there. */
  | { type: 'look' }
  /** @param path of the model among the files: one of them, or their folder */
  | { type: 'open'; files: readonly ChosenFile[]; path: string }
  | { type: 'hash' }
  | ({ type: 'generate'; engine: EngineName; maxTokens: number } & AskedPrompt)
  /** Engines on the same tokens: the prompt and the answer to it, or the first `maxPositions` of that. */
  | ({ type: 'compare'; engines: readonly EngineName[]; maxPositions: number } & AskedPrompt);

export type ToWorker = { job: Job } | { type: 'stop' };

/** What a job tells on its way; `done` or `failed` is the last. */
export type FromWorker =
  | { type: 'gpu'; gpu: GpuFacts | { absent: string } }
  | { type: 'progress'; text: string; done: number; total: number; unit: 'bytes' | 'steps' }
  | { type: 'model'; model: ModelFacts }
  | { type: 'hash'; sha256: string }
  | { type: 'prompt'; ids: readonly number[]; source: 'chat' | 'raw'; engine: string }
  | { type: 'text'; text: string; tokenCount: number }
  | { type: 'generated'; generation: GenerationFacts }
  | { type: 'compared'; tokenCount: number; ofCount: number }
  | { type: 'parity'; report: CpuParityReport; tokens: Readonly<Record<number, string>> }
  | { type: 'check'; engine: EngineName; check: CheckFacts }
  | { type: 'notices'; notices: readonly Notice[] }
  | { type: 'done' }
  | { type: 'failed'; code: string; message: string };

export const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupsPerDimension',
] as const;

export interface GpuFacts {
  name: string;
  isSoftware: boolean;
  /** Those that decide which model fits, in the words of WebGPU. */
  limits: Readonly<Record<(typeof LIMITS)[number], number>>;
  /** Lanes; null where the adapter does not say. */
  subgroups: { min: number; max: number } | null;
  features: readonly string[];
}

export interface ModelFacts {
  path: string;
  format: string;
  byteLength: number;
  architecture: string;
  tensorCount: number;
  /** Null where only the header could be read. */
  config: { layerCount: number; vocabSize: number; contextLength: number; hasChatTemplate: boolean } | null;
}

interface GenerationFacts {
  engine: string;
  tokenIds: readonly number[];
  finishReason: FinishReason;
  promptMs: number;
  /** Of the tokens after the first, which comes out of the prompt's run; null where there is no other. */
  tokensPerSecond: number | null;
}

export interface CheckFacts {
  verdict: VerdictWord;
  sentence: string;
  judgedOps: number;
  opCount: number;
  elementCount: number;
  /** Who vouches for the program. */
  verification: string;
  kinds: readonly OpKind[];
}

/** All ops of one kind: the largest error over the expected and over the proven budget. */
export interface OpKind {
  op: string;
  count: number;
  rhoExpected: number;
  rhoProven: number;
  /** Where the first of them is; null: the op is healthy everywhere. */
  faultAt: string | null;
}
