// `apr trace MODEL` with nothing to run: the program that would run. Every stage with its shape, the op that computes
// it and the weights that op reads, and the config behind them. Layers that are alike are shown once.
import { configEntries, type ConfigValue } from '../../../diagnosis/compare/index.ts';
import { operands, type Model, type Op, type Program, type Stage } from '../../../engine/index.ts';
import { countText, plural } from '../../figures.ts';
import { plainText, printJson, printLine, printTable, right, style } from '../../terminal.ts';
import { printConfigTable } from '../inspect-text.ts';
import { openModelLogged, shapeText } from '../open.ts';
import { chooseLayers, type TraceOptions } from './selection.ts';

export async function traceProgram(path: string, options: TraceOptions): Promise<void> {
  const model = await openModelLogged(path);
  try {
    const layers = chooseLayers(options, model.program.layerCount);
    const config = configEntries(model);
    if (options.json === true) printJson(asJson(model, layers, config));
    else printProgram(model, layers, config);
  } finally {
    await model.close();
  }
}

/** S stands for the number of positions of a run. */
type Extent = number | 'S';

interface StageListing {
  name: string;
  shape: Extent[];
  /** `matmul`, `concat`, `derived`. */
  op: string;
  /** Values, those of the stage's own layer without its name. */
  reads: string[];
  weights: { name: string; shape: readonly number[]; type: string }[];
}

function listStage(model: Model, stage: Stage): StageListing {
  const { program } = model;
  const { name, layer, source } = stage;
  const named = (values: readonly string[]): string[] => values.map((value) => withoutLayer(value, layer));
  switch (source.from) {
    case 'value': {
      const op = writerOf(program, source.value);
      const shape: Extent[] = ['S', widthOf(program, source.value)];
      if (op === undefined) return { name, shape, op: '—', reads: [], weights: [] };
      return { name, shape, op: op.op, reads: named(operands(op).reads), weights: weightsOf(model, [op]) };
    }
    case 'concat': {
      const width = source.values.reduce((sum, value) => sum + widthOf(program, value), 0);
      const writers = source.values.flatMap((value) => writerOf(program, value) ?? []);
      return {
        name,
        shape: ['S', width],
        op: 'concat',
        reads: named(source.values),
        weights: weightsOf(model, writers),
      };
    }
    case 'scores':
    case 'softmax': {
      const { headCount, q, k } = source.attention;
      return { name, shape: [headCount, 'S', 'S'], op: 'derived', reads: named([q, k]), weights: [] };
    }
  }
}

function writerOf(program: Program, value: string): Op | undefined {
  return program.ops.find((op) => operands(op).writes === value);
}

function widthOf(program: Program, value: string): number {
  return program.values.find(({ id }) => id === value)?.channelCount ?? 0;
}

function withoutLayer(value: string, layer: number | null): string {
  const prefix = `layer-${layer}/`;
  return value.startsWith(prefix) ? value.slice(prefix.length) : value;
}

function weightsOf({ weights }: Model, ops: readonly Op[]): StageListing['weights'] {
  return ops.flatMap((op) => {
    const info = 'weight' in op ? weights.info(op.weight) : undefined;
    return info === undefined ? [] : [{ name: info.name, shape: info.shape, type: info.type }];
  });
}

function stagesOf(model: Model, layer: number | null): StageListing[] {
  return model.program.stages.filter((stage) => stage.layer === layer).map((stage) => listStage(model, stage));
}

function asJson(model: Model, layers: readonly number[], config: readonly (ConfigValue & { key: string })[]): object {
  const { path, program } = model;
  return {
    schemaVersion: 1,
    kind: 'program',
    model: { path, architecture: program.architecture },
    layerCount: program.layerCount,
    opCount: program.ops.length,
    config,
    layers: layers.map((layer) => ({ layer, stages: stagesOf(model, layer) })),
    stages: stagesOf(model, null),
    notices: model.notices,
  };
}

function printProgram(
  model: Model,
  layers: readonly number[],
  config: readonly (ConfigValue & { key: string })[],
): void {
  const { program } = model;
  const size = `${plural(program.layerCount, 'layer')}, ${plural(program.ops.length, 'op')}, ${countText(program.weights.length)} weights`;
  printLine(`${style.bold(plainText(model.path))}: ${program.architecture}, ${size}`);
  printLine();
  printConfigTable(config);
  for (const group of groupAlike(model, layers)) {
    printLine();
    printStages(groupTitle(group.layers), group.layers.length === 1 ? group.stages : group.anyLayer);
  }
  printLine();
  printStages('whole model', stagesOf(model, null));
  printLine();
  printLine('S: positions of a run. next: a prompt or --tokens 1,5,9 runs it and shows statistics of every stage');
}

interface LayerGroup {
  layers: number[];
  /** Of the first of them. */
  stages: StageListing[];
  /** The same with N for the layer's number. */
  anyLayer: StageListing[];
}

/** Neighbouring layers whose stages, ops, shapes and weight types are the same but for the layer's number. */
function groupAlike(model: Model, layers: readonly number[]): LayerGroup[] {
  const groups: LayerGroup[] = [];
  for (const layer of layers) {
    const stages = stagesOf(model, layer);
    const anyLayer = stages.map((stage) => ofAnyLayer(stage, layer));
    const last = groups.at(-1);
    if (last !== undefined && JSON.stringify(last.anyLayer) === JSON.stringify(anyLayer)) last.layers.push(layer);
    else groups.push({ layers: [layer], stages, anyLayer });
  }
  return groups;
}

function ofAnyLayer(stage: StageListing, layer: number): StageListing {
  return {
    ...stage,
    reads: stage.reads.map((value) => value.replace(`layer-${layer - 1}/`, 'layer-(N-1)/')),
    weights: stage.weights.map((weight) => ({ ...weight, name: weight.name.replace(`blk.${layer}.`, 'blk.N.') })),
  };
}

function groupTitle(layers: readonly number[]): string {
  const [first, last] = [layers[0] ?? 0, layers.at(-1) ?? 0];
  if (first === last) return `layer ${first}`;
  return layers.length === last - first + 1 ? `layers ${first}..${last}` : `layers ${layers.join(', ')}`;
}

function printStages(title: string, stages: readonly StageListing[]): void {
  const rows = stages.map(({ name, shape, op, reads, weights }) => [
    name,
    shape.join('×'),
    op,
    reads.join(', '),
    weights.map((weight) => `${weight.name} ${shapeText(weight.shape)} ${weight.type}`).join(', '),
  ]);
  printTable([title, right('shape'), 'op', 'reads', 'weights'], rows);
}
