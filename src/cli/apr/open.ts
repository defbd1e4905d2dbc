// How every command of apr opens a model: through the engine's `openModel`, with the loader log on stderr, so that
// what a person sees of a file is the same whichever command looked at it. No inference and no stdout here.
import { chosenByLength, openModel, type Model, type Notice } from '../../engine/index.ts';
import { float32Text, plural } from '../figures.ts';
import { errorStyle, plainText } from '../terminal.ts';

/** Opens `path` and writes the loader log to stderr. The caller closes the model. */
export async function openModelLogged(path: string): Promise<Model> {
  const model = await openModel(path);
  for (const line of loaderLog(model)) process.stderr.write(`${line}\n`);
  return model;
}

/**
 * What a loader must have right before anything else can be: the embedding's shape and first decoded values, whether
 * every weight has the shape that the config demands, and what the reader found odd or had to assume.
 */
function loaderLog(model: Model): string[] {
  const { path, format, config, tensors, embedding } = model;
  const lines = [`${plainText(path)}: ${format}, ${config.architecture}, ${plural(tensors.length, 'tensor')}`];
  if (embedding !== null) {
    const { name, shape, type, firstValues } = embedding;
    const values = firstValues.map(float32Text).join(', ');
    lines.push(`embedding: ${name} ${shapeText(shape)} ${type}, row 0 starts ${values}`);
  }
  const { fitting, wanted } = model.shapes;
  const shapes = `shapes: ${fitting} of ${wanted} tensors fit the config`;
  lines.push(fitting === wanted ? shapes : errorStyle.yellow(shapes));
  for (const { severity, code, message } of model.notices) {
    const text = `${severity} [${code}] ${plainText(message)}`;
    lines.push(severity === 'warning' ? errorStyle.yellow(text) : text);
  }
  return lines;
}

/** A remark on stderr about what a command is doing; results never go this way. */
export function warn(severity: Notice['severity'], message: string): void {
  const label = severity === 'warning' ? errorStyle.yellow(severity) : severity;
  process.stderr.write(`${label}: ${plainText(message)}\n`);
}

/** Says which frequencies a session has, of a model in which they go by its length. */
export function noteRopeChoice({ program }: Model, contextLength: number): void {
  const notice = chosenByLength(program, contextLength);
  if (notice !== null) warn(notice.severity, notice.message);
}

/** `[rows, columns]`, row-major, as Transformers prints it. */
export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
