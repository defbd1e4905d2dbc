// Folders like those of models/tiny with a changed config.json, for searches over configs.
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PartContext } from '../../src/runner/run/falsifier.ts';

/** Keys to set; `-` names one to leave out. null leaves out rope_parameters and layer_types, and is itself elsewhere. */
export type ConfigChange = Readonly<Record<string, unknown>>;

export class HfFolders {
  readonly #context: PartContext;
  #count = 0;

  constructor(context: PartContext) {
    this.#context = context;
  }

  /** @param source a folder below the project root, e.g. `models/tiny/llama/hf` */
  async write(source: string, change: ConfigChange): Promise<string> {
    const own = JSON.parse(await readFile(this.#context.data(`${source}/config.json`), 'utf8')) as Record<
      string,
      unknown
    >;
    const config: Record<string, unknown> = { ...own, ...change };
    delete config['-'];
    if (typeof change['-'] === 'string') delete config[change['-']];
    for (const key of ['rope_parameters', 'layer_types']) if (change[key] === null) delete config[key];
    const folder = join(this.#context.folder, `hf-${this.#count++}`);
    await mkdir(folder);
    await writeFile(join(folder, 'config.json'), JSON.stringify(config));
    await copyFile(this.#context.data(`${source}/model.safetensors`), join(folder, 'model.safetensors'));
    return folder;
  }
}
