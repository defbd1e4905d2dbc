// The work of `apr parity`: asks both engines about the same ids, compares, prints, and decides the exit code.
import { compareEngines, logitsOf, openCommand, openEndpoint, openLlamaCpp } from '../../../diagnosis/parity/index.ts';
import { openPackEngine, profileNamed } from '../../../diagnosis/parity/index.ts';
import type { OutsideEngine, ParityWord } from '../../../diagnosis/parity/index.ts';
import type { Model } from '../../../engine/index.ts';
import { openExecutor, type ExecutorReport } from '../../../executors.ts';
import { interruptSignal } from '../../interrupt.ts';
import { EXIT, type ExitCode } from '../../program.ts';
import { printJson, Progress } from '../../terminal.ts';
import { requestedEngine, type EngineFlags, type RequestedEngine } from '../engine-option.ts';
import { noteRopeChoice, openModelLogged, warn } from '../open.ts';
import { printParity, type Identity, type ShownParity } from './text.ts';
import { usage, type PromptFlags } from '../prompt.ts';
import { renderPromptOrDefault } from '../render-prompt.ts';

export interface ParityFlags extends PromptFlags, EngineFlags {
  llamaCpp?: true;
  http?: string;
  modelName?: string;
  apiKeyEnv?: string;
  topK?: number;
  /** Argument lists as JSON. */
  command?: string;
  commandVersion?: string;
  pack?: string;
  subject?: string;
  profile?: string;
  subjectProfile?: string;
  timeLimit?: number;
  all?: true;
  json?: true;
}

/** As the help of the options says. */
const DEFAULT_TOP_K = 5;
const DEFAULT_SECONDS = 600;

type Ours = Parameters<typeof compareEngines>[0]['ours'];

const EXIT_OF: Readonly<Record<ParityWord, ExitCode>> = {
  PASS: EXIT.accepted,
  DIFFERENT: EXIT.rejected,
  INCONCLUSIVE: EXIT.declined,
};

export async function runParity(path: string, promptText: string | undefined, flags: ParityFlags): Promise<ExitCode> {
  const subject = flags.subject === undefined ? null : parseArgv('--subject', flags.subject);
  const requested = requestedEngine(flags);
  const open = outsideOpener(flags);
  const model = await openModelLogged(path);
  const progress = new Progress();
  const toClose: { close(): Promise<void> }[] = [model];
  try {
    const recorded = flags.pack === undefined ? null : await open(model, 0);
    const prompt = choosePrompt(model, promptText, flags, recorded);
    noteRopeChoice(model, prompt.ids.length);
    const outside = recorded ?? (await open(model, prompt.ids.length));
    toClose.push(outside);
    progress.update(`asking ${outside.kind}`);
    const answer = await outside.ask(prompt.ids, (done, total) => progress.update(`position ${done}/${total}`));
    const ours =
      subject === null
        ? await askOurs(model, prompt.ids, requested)
        : await askSubject(model, prompt.ids, subject, flags);
    const { program, weights } = model;
    const identity = outside.identity();
    const report = await compareEngines({
      program,
      weights,
      tokens: prompt.ids,
      ours: ours.side,
      theirs: { name: identity.name, profiles: outside.profiles, answer, hasSameWeights: outside.hasSameWeights },
      signal: interruptSignal(),
      onProgress: (op, index, count) => progress.update(`float64 and draws ${index + 1}/${count} ${op.out}`),
    });
    progress.clear();
    const { kind, hasSameWeights } = outside;
    const { executor, identity: subjectIdentity } = ours;
    const isProfileAssumed = flags.profile === undefined && (kind === 'command' || kind === 'http');
    const about = { ...identity, kind, hasSameWeights, isProfileAssumed };
    const shown: ShownParity = { model, prompt, executor, subject: subjectIdentity, outside: about, report };
    if (flags.json === true) printJson(await parityJson(shown));
    else printParity(shown, flags.all === true);
    return EXIT_OF[report.verdict];
  } finally {
    progress.clear();
    for (const opened of toClose.toReversed()) await opened.close();
  }
}

/** Flags are read at once, before a model is opened for nothing. */
function outsideOpener(flags: ParityFlags): (model: Model, tokenCount: number) => Promise<OutsideEngine> {
  const {
    llamaCpp,
    http,
    command,
    pack,
    modelName = '',
    topK = DEFAULT_TOP_K,
    apiKeyEnv,
    timeLimit = DEFAULT_SECONDS,
  } = flags;
  const named = flags.profile === undefined ? null : profileNamed(flags.profile, '--profile');
  const profile = named ?? profileNamed('float32', '--profile');
  if (llamaCpp === true) {
    return async (model, tokenCount) => {
      const opened = await openLlamaCpp(model, tokenCount);
      return named === null ? opened : { ...opened, profiles: [named] };
    };
  }
  if (pack !== undefined) return (model) => openPackEngine(pack, model, named);
  if (http !== undefined) {
    const apiKey = apiKeyEnv === undefined ? undefined : process.env[apiKeyEnv];
    if (apiKeyEnv !== undefined && apiKey === undefined) {
      throw usage('--api-key-env', `the environment has no ${apiKeyEnv}`, 'it holds the key');
    }
    const options = { url: http, model: modelName, alternatives: topK, timeoutMs: timeLimit * 1000 };
    return async (model) => openEndpoint(model, apiKey === undefined ? options : { ...options, apiKey }, profile);
  }
  const argv = parseArgv('--command', command ?? '');
  const version = flags.commandVersion;
  const options = { argv, timeLimitMs: timeLimit * 1000 };
  const versionArgv = version === undefined ? {} : { versionArgv: parseArgv('--command-version', version) };
  return async (model) => openCommand(model, { ...options, ...versionArgv }, profile);
}

function choosePrompt(
  model: Model,
  promptText: string | undefined,
  flags: ParityFlags,
  recorded: OutsideEngine | null,
): ShownParity['prompt'] {
  const ids = recorded?.tokens ?? null;
  if (ids !== null) return { ids, source: 'pack', text: null };
  const { notices, ...prompt } = renderPromptOrDefault(model, promptText, flags);
  for (const { severity, message } of notices) warn(severity, message);
  return prompt;
}

interface Asked {
  side: Ours;
  executor: ExecutorReport | null;
  identity: Identity | null;
}

async function askOurs(model: Model, tokens: readonly number[], requested: RequestedEngine): Promise<Asked> {
  const { name: asked, optionsFor } = requested;
  const { executor, report } = await openExecutor(asked, model.program, model.weights, optionsFor(model.entryPath));
  try {
    const logits = await logitsOf(executor, tokens, 'all', interruptSignal());
    const name = executor.adapter ?? executor.id;
    const { profile } = executor;
    return { side: { name, profile, logits, rowCount: tokens.length }, executor: report, identity: null };
  } finally {
    await executor.close();
  }
}

/** Another engine in the place of ours. */
async function askSubject(
  model: Model,
  tokens: readonly number[],
  argv: readonly string[],
  flags: ParityFlags,
): Promise<Asked> {
  const profile = profileNamed(flags.subjectProfile ?? 'float32', '--subject-profile');
  const engine = openCommand(model, { argv, timeLimitMs: (flags.timeLimit ?? DEFAULT_SECONDS) * 1000 }, profile);
  try {
    const answer = await engine.ask(tokens);
    if (answer.kind !== 'logits') throw new RangeError('a command answers with logits');
    const identity = engine.identity();
    return { side: { name: 'the subject', profile, ...answer }, executor: null, identity };
  } finally {
    await engine.close();
  }
}

/** `["python", "x.py", "{model}"]`: no shell and no quoting rules of our own. */
function parseArgv(flag: string, text: string): string[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    list = null;
  }
  if (Array.isArray(list) && list.length > 0 && list.every((item) => typeof item === 'string')) return list;
  throw usage(flag, JSON.stringify(text), 'a JSON list of texts is needed: ["program", "argument"]');
}

async function parityJson({ model, prompt, executor, subject, outside, report }: ShownParity): Promise<object> {
  const { verdict, sentence, positions, profiles, ...rest } = report;
  return {
    schemaVersion: 1,
    kind: 'parity',
    verdict,
    sentence,
    model: { path: model.path, sha256: await model.sha256(), architecture: model.config.architecture },
    promptIds: prompt.ids,
    prompt: { source: prompt.source, text: prompt.text },
    executor,
    subject,
    outside,
    profiles,
    ...rest,
    positions,
  };
}
