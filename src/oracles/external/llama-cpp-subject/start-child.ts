// Starts llama.cpp on a file, in a process of its own, and makes sure that its graph is the program.
import { open } from 'node:fs/promises';
import { RefuteError } from '../../../errors.ts';
import type { SubjectOptions } from '../../../engine/program/executor.ts';
import type { Program } from '../../../engine/program/program.ts';
import { LlamaCppChild, type ChildOptions } from './child-process.ts';
import { programInGraph } from './graph-forms.ts';
import type { Answer, OpenRequest } from './messages.ts';
import { findPackageBuild, type PackageBuild } from './package-build.ts';

/** Its threads spin while they wait for each other: on a busy machine one is faster than several. */
const DEFAULTS = { flashAttention: 'auto', kvCache: 'f16', threads: 1 } as const;

/** A process of llama.cpp with a model in it. */
export interface Started {
  child: LlamaCppChild;
  build: PackageBuild;
  options: Options;
  opened: Opened;
}

/** @throws RefuteError those of `openLlamaCppExecutor` */
export async function startChild(
  program: Program,
  subject: SubjectOptions | undefined,
  childOptions: ChildOptions,
): Promise<Started> {
  const build = findPackageBuild();
  if ('absent' in build) {
    throw new RefuteError({ code: 'E_SUBJECT_ABSENT', place: 'llama.cpp', is: build.absent }, 2);
  }
  const options = await fileOptions(subject);
  const child = new LlamaCppChild(childOptions);
  try {
    const opened = await askToOpen(child, openRequest(build, program, options));
    assertSameGraph(program, opened, options.modelPath);
    return { child, build, options, opened };
  } catch (error) {
    await child.close();
    throw error;
  }
}

/** Release, CPU build and options. */
export function nameOf({ build, options: { kvCache, threads }, opened }: Omit<Started, 'child'>): string {
  const attention = `flash attention ${opened.usesFlashAttention ? 'on' : 'off'}`;
  const cache = `kv ${kvCache}${opened.turnsCache ? ', turned' : ''}`;
  const parts = [`llama.cpp ${build.release}`, `cpu ${opened.variant}`, attention, cache];
  return [...parts, ...(threads === 1 ? [] : [`${threads} threads`])].join(', ');
}

type Options = Required<Omit<SubjectOptions, 'variant'>> & { variant: string | null };
type Opened = Extract<Answer, { type: 'opened' }>;

async function fileOptions(subject: SubjectOptions | undefined): Promise<Options> {
  const path = subject?.modelPath ?? '';
  if (subject === undefined || !(await isGguf(path))) {
    const is = subject === undefined ? 'these weights are of no file' : 'this is not one GGUF file';
    const place = path === '' ? 'llama.cpp' : path;
    throw new RefuteError({ code: 'E_SUBJECT_FILE', place, is, allowed: 'llama.cpp runs GGUF files' }, 2);
  }
  const { variant = null, ...rest } = subject;
  return { ...DEFAULTS, ...rest, variant };
}

async function isGguf(path: string): Promise<boolean> {
  const file = await open(path).catch(() => null);
  if (file === null) return false;
  try {
    const { buffer } = await file.read(new Uint8Array(4), 0, 4, 0);
    return new TextDecoder().decode(buffer) === 'GGUF';
  } catch {
    // A folder is opened, but not read.
    return false;
  } finally {
    await file.close();
  }
}

function openRequest(build: PackageBuild, program: Program, options: Options): OpenRequest {
  const { architecture, vocabSize } = program;
  return { type: 'open', build, ...options, architecture, vocabSize, ...programInGraph(program) };
}

async function askToOpen(child: LlamaCppChild, request: OpenRequest): Promise<Opened> {
  let opened: Opened | null = null;
  await child.ask(request, ({ head }) => {
    if (head.type === 'opened') opened = head;
  });
  if (opened === null) throw new RangeError('the child did not say what it has opened');
  return opened;
}

/** Logits are computed from everything else: where the graph has them, it has the program. */
function assertSameGraph({ values, logits }: Program, { shown }: Opened, modelPath: string): void {
  if (shown.includes(logits)) return;
  const first = values.find(({ id }) => !shown.includes(id))?.id ?? logits;
  const is = `what llama.cpp computes of it is another program: its graph has no ${logits}, and first no ${first}`;
  throw new RefuteError({ code: 'E_SUBJECT_PROGRAM', place: modelPath, is }, 2);
}
