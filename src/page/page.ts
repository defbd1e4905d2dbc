// The page: what a person does becomes a job of the worker, and what the worker tells is shown. Computes nothing.
import type { ChosenFile } from '../engine/index.ts';
import { bytesText, countText, plural } from '../figures.ts';
import { filesOfDrop, filesOfList, modelsAmong } from './chosen.ts';
import { checkTable, checkVerdict, parityTable, parityVerdict } from './comparison.ts';
import { byId, element, showTerms } from './dom.ts';
import { isolate } from './isolation.ts';
import type { CheckFacts, EngineName, FromWorker, GpuFacts, Job, ModelFacts } from './messages.ts';
import { WorkerClient } from './worker-client.ts';

const ui = {
  isolation: byId('isolation', HTMLElement),
  drop: byId('drop', HTMLElement),
  files: byId('files', HTMLInputElement),
  folder: byId('folder', HTMLInputElement),
  which: byId('which', HTMLElement),
  models: byId('models', HTMLSelectElement),
  modelFacts: byId('model-facts', HTMLElement),
  hash: byId('hash', HTMLButtonElement),
  gpuState: byId('gpu-state', HTMLElement),
  gpuFacts: byId('gpu-facts', HTMLElement),
  ask: byId('ask', HTMLFormElement),
  prompt: byId('prompt', HTMLTextAreaElement),
  engine: byId('engine', HTMLSelectElement),
  maxTokens: byId('max-tokens', HTMLInputElement),
  raw: byId('raw', HTMLInputElement),
  generate: byId('generate', HTMLButtonElement),
  stop: byId('stop', HTMLButtonElement),
  bar: byId('bar', HTMLElement),
  busy: byId('busy', HTMLElement),
  progress: byId('progress', HTMLProgressElement),
  progressText: byId('progress-text', HTMLElement),
  error: byId('error', HTMLElement),
  answer: byId('answer', HTMLElement),
  figures: byId('figures', HTMLElement),
  notices: byId('notices', HTMLElement),
  compareForm: byId('compare-form', HTMLFormElement),
  compareHint: byId('compare-hint', HTMLElement),
  positions: byId('positions', HTMLInputElement),
  compare: byId('compare', HTMLButtonElement),
  extent: byId('extent', HTMLElement),
  verdicts: byId('verdicts', HTMLElement),
  parity: byId('parity', HTMLElement),
  checks: byId('checks', HTMLElement),
};

let chosen: readonly ChosenFile[] = [];
let model: ModelFacts | null = null;
let hasGpu = false;
let sha256: string | null = null;
let answerStartMs = 0;
const checks = new Map<EngineName, CheckFacts>();

const worker = new WorkerClient(show);

/** One job; what failed is said. @returns whether it was done */
async function run(job: Job): Promise<boolean> {
  const starter = document.activeElement;
  ui.error.hidden = true;
  const running = worker.do(job);
  ui.progressText.textContent = '';
  ui.progress.removeAttribute('value');
  enable();
  // A button that is switched off would lose the focus to nowhere.
  if (starter instanceof HTMLButtonElement && starter.disabled) ui.stop.focus();
  const failed = await running;
  if (failed?.code === 'STOPPED') {
    ui.figures.textContent = `Stopped: ${ui.progressText.textContent}`;
  } else if (failed !== null) {
    fail(failed.code, failed.message);
  }
  const isAtStop = document.activeElement === ui.stop;
  enable();
  if (isAtStop && starter instanceof HTMLElement) starter.focus();
  return failed === null;
}

function fail(code: string, message: string): void {
  ui.error.textContent = `${code}: ${message}`;
  ui.error.hidden = false;
  ui.bar.hidden = false;
}

function enable(): void {
  const isIdle = !worker.isBusy;
  const isReady = isIdle && model?.config !== null && model !== null;
  for (const control of [ui.files, ui.folder, ui.models]) control.disabled = !isIdle;
  for (const control of [ui.generate, ui.compare]) control.disabled = !isReady;
  ui.hash.disabled = !isReady;
  ui.busy.hidden = isIdle;
  ui.bar.hidden = isIdle && ui.error.hidden;
  ui.ask.ariaBusy = String(!isIdle);
}

function show(message: FromWorker): void {
  switch (message.type) {
    case 'gpu':
      return showGpu(message.gpu);
    case 'progress': {
      const { text, done, total, unit } = message;
      const [of, all] = unit === 'bytes' ? [bytesText(done), bytesText(total)] : [countText(done), countText(total)];
      ui.progressText.textContent = `${text}: ${of} of ${all}`;
      [ui.progress.max, ui.progress.value] = [Math.max(1, total), done];
      return;
    }
    case 'model':
      return showModel(message.model);
    case 'hash':
      sha256 = message.sha256;
      if (model !== null) showModel(model);
      return;
    case 'prompt': {
      const how = message.source === 'chat' ? 'through the chat template' : 'as it stands';
      ui.figures.textContent = `${plural(message.ids.length, 'prompt token')} ${how}, on ${message.engine}`;
      answerStartMs = performance.now();
      return;
    }
    case 'text': {
      ui.answer.append(message.text);
      const seconds = (performance.now() - answerStartMs) / 1000;
      ui.progress.removeAttribute('value');
      ui.progressText.textContent = `${plural(message.tokenCount, 'token')} in ${seconds.toFixed(1)} s`;
      return;
    }
    case 'generated': {
      const { engine, tokenIds, finishReason, promptMs, tokensPerSecond } = message.generation;
      const speed = tokensPerSecond === null ? '' : `, ${tokensPerSecond.toFixed(1)} tokens/s`;
      const prompt = `prompt ${(promptMs / 1000).toFixed(2)} s`;
      ui.figures.textContent = `${plural(tokenIds.length, 'token')}, ${finishReason}${speed}; ${prompt}; ran on ${engine}`;
      return;
    }
    case 'compared': {
      const { tokenCount, ofCount } = message;
      const cut = tokenCount < ofCount ? ` of ${countText(ofCount)}; "Positions at most" takes more` : '';
      ui.extent.textContent = `${plural(tokenCount, 'position')}${cut}.`;
      return;
    }
    case 'parity':
      ui.verdicts.append(parityVerdict(message));
      return ui.parity.append(...parityTable(message));
    case 'check':
      checks.set(message.engine, message.check);
      ui.verdicts.append(checkVerdict(message.engine, message.check));
      return ui.checks.replaceChildren(...checkTable(checks));
    case 'notices': {
      const lines = message.notices.map(({ severity, code, message: text }) =>
        element('li', severity === 'warning' ? 'doubt' : '', `${severity} [${code}] ${text}`),
      );
      ui.notices.append(...lines);
      ui.notices.hidden = ui.notices.childElementCount === 0;
      return;
    }
    case 'done':
    case 'failed':
  }
}

function showGpu(gpu: GpuFacts | { absent: string }): void {
  hasGpu = !('absent' in gpu);
  if ('absent' in gpu) {
    ui.gpuState.textContent = `There is no GPU for this page: ${gpu.absent}. Everything runs on the CPU.`;
    ui.engine.value = 'cpu';
    for (const option of ui.engine.options) option.disabled = option.value === 'webgpu';
    ui.compare.textContent = 'Check the CPU';
    ui.compareHint.textContent =
      'Without WebGPU there is nothing to hold the CPU against; each of its ops is judged in float64, on its own inputs.';
    return;
  }
  const { name, isSoftware, limits, subgroups, features } = gpu;
  ui.gpuState.textContent = isSoftware ? `${name}, in software: slow, but the same shaders.` : name;
  showTerms(ui.gpuFacts, [
    ['largest buffer', bytesText(limits.maxBufferSize)],
    ['largest binding', bytesText(limits.maxStorageBufferBindingSize)],
    ['memory of a workgroup', bytesText(limits.maxComputeWorkgroupStorageSize)],
    ['threads of a workgroup', countText(limits.maxComputeInvocationsPerWorkgroup)],
    ['workgroups a direction', countText(limits.maxComputeWorkgroupsPerDimension)],
    ['subgroups', subgroupsText(subgroups)],
    ['features', features.length === 0 ? 'none of shader-f16, subgroups' : features.join(', ')],
  ]);
}

function subgroupsText(subgroups: GpuFacts['subgroups']): string {
  if (subgroups === null) return 'not said';
  const { min, max } = subgroups;
  return min === max ? `${min} lanes` : `${min} to ${max} lanes`;
}

function showModel(facts: ModelFacts): void {
  model = facts;
  const { path, format, byteLength, architecture, tensorCount, config } = facts;
  showTerms(ui.modelFacts, [
    ['file', path],
    ['format', `${format}, ${bytesText(byteLength)}`],
    ['architecture', architecture],
    ['tensors', countText(tensorCount)],
    ...(config === null
      ? []
      : ([
          ['layers', countText(config.layerCount)],
          ['vocabulary', countText(config.vocabSize)],
          ['context', `${countText(config.contextLength)} positions`],
          ['chat template', config.hasChatTemplate ? 'yes' : 'no: prompts are text to continue'],
        ] as const)),
    ...(sha256 === null ? [] : ([['sha256', sha256]] as const)),
  ]);
  ui.hash.hidden = config === null || sha256 !== null;
}

function clearAnswer(): void {
  for (const place of [ui.answer, ui.figures, ui.notices]) place.replaceChildren();
  ui.notices.hidden = true;
  clearComparison();
}

function clearComparison(): void {
  checks.clear();
  for (const place of [ui.extent, ui.verdicts, ui.parity, ui.checks]) place.replaceChildren();
}

async function open(files: readonly ChosenFile[]): Promise<void> {
  if (worker.isBusy || files.length === 0) return;
  chosen = files;
  const models = modelsAmong(files);
  ui.models.replaceChildren(...models.map((path) => new Option(path)));
  ui.which.hidden = models.length < 2;
  await openPath(models[0] ?? '');
}

async function openPath(path: string): Promise<void> {
  clearAnswer();
  [model, sha256] = [null, null];
  ui.modelFacts.hidden = true;
  ui.hash.hidden = true;
  await run({ type: 'open', files: chosen, path });
}

const asked = () => ({ prompt: ui.prompt.value, isRaw: ui.raw.checked });

for (const input of [ui.files, ui.folder]) {
  input.addEventListener('change', () => {
    const files = filesOfList(input.files ?? []);
    // The same file may be chosen again, once it was written anew.
    input.value = '';
    void open(files);
  });
}
ui.models.addEventListener('change', () => void openPath(ui.models.value));
ui.hash.addEventListener('click', () => void run({ type: 'hash' }));
ui.stop.addEventListener('click', () => worker.stop());
ui.ask.addEventListener('submit', (event) => {
  event.preventDefault();
  clearAnswer();
  const engine = ui.engine.value === 'cpu' ? 'cpu' : 'webgpu';
  void run({ type: 'generate', engine, maxTokens: ui.maxTokens.valueAsNumber, ...asked() });
});
ui.compareForm.addEventListener('submit', (event) => {
  event.preventDefault();
  clearComparison();
  const engines: EngineName[] = hasGpu ? ['webgpu', 'cpu'] : ['cpu'];
  void run({ type: 'compare', engines, maxPositions: ui.positions.valueAsNumber, ...asked() });
});
// Enter alone is a line of the prompt.
ui.prompt.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  if (!ui.generate.disabled) ui.ask.requestSubmit(ui.generate);
});
document.addEventListener('keydown', ({ key }) => {
  if (key === 'Escape' && worker.isBusy) worker.stop();
});
// Anywhere on the page.
document.addEventListener('dragover', (event) => {
  event.preventDefault();
  ui.drop.classList.add('is-over');
});
document.addEventListener('dragleave', () => ui.drop.classList.remove('is-over'));
document.addEventListener('drop', (event) => {
  event.preventDefault();
  ui.drop.classList.remove('is-over');
  if (event.dataTransfer === null) return;
  filesOfDrop(event.dataTransfer).then(open, (error: unknown) =>
    fail('E_FILE_READ', `what was dropped: ${String(error)}`),
  );
});

const isolation = await isolate();
if (isolation !== null) {
  ui.isolation.textContent = isolation;
  ui.isolation.hidden = false;
}
await run({ type: 'look' });
document.documentElement.dataset['ready'] = 'yes';
