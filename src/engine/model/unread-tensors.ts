// Tensors of a file that its program never reads. Some would change the result, and then the model is not what we run.
import { RefuteError } from '../../errors.ts';
import { quoted } from '../formats/quoted.ts';
import type { Architectures } from '../config/architecture.ts';
import type { Notice } from '../../notice.ts';
import type { Program } from '../program/program.ts';

/** Of Transformers' files: what a layer has beside its known parts. Of both, parts of known names, not for every file. */
const CHANGES_RESULT =
  /^(model\.layers\.\d+\.(?!self_attn\.rotary_emb\.)|blk\.\d+\.\w+\.bias$|output\.|position_embd\.|token_embd_norm\.)/;
/** Of GGUF files, whose layers hold nothing else: llama.cpp refuses what it does not know, and applies every scale. */
const OF_GGUF =
  /^blk\.\d+\.(?!attn_rot_embd\.|rope_freqs\.|\w+\.input_scale$)|\.(bias|scale)$|^(token_types|per_layer_\w+|altup_\w+)\./;

/** What a model that sees more than text has beside it. */
const BESIDE_TEXT = /^(model\.)?(vision|visual|image|audio|multi_modal|mm_)\w*\./;
/** A table of rotation that older files have. Transformers makes its own of the config, and says nothing. */
const ROTATION = /^model\.(layers\.\d+\.self_attn\.)?rotary_emb\.inv_freq$/;

interface Named {
  name: string;
  storedName?: string;
}

/**
 * @param architectures whose own tensors change the result in a file of another
 * @throws RefuteError E_MODEL_UNREAD_TENSOR
 */
export function unreadTensors(
  path: string,
  program: Program,
  tensors: readonly Named[],
  architectures: Architectures,
): Notice[] {
  const patterns = [CHANGES_RESULT, ...[...architectures.values()].flatMap(({ ownTensors }) => ownTensors ?? [])];
  const read = new Set(program.weights.map(({ name }) => name));
  const unread = tensors.filter(({ name }) => !read.has(name));
  const serious = unread.find(
    ({ name, storedName }) =>
      patterns.some((pattern) => pattern.test(name)) || (storedName === undefined && OF_GGUF.test(name)),
  );
  if (serious !== undefined) {
    throw new RefuteError({
      code: 'E_MODEL_UNREAD_TENSOR',
      place: path,
      is: `tensor ${nameOf(serious)} would change the result and the ${program.architecture} program does not read it`,
      next: 'The file is of another architecture than it says, or of a variant that is not supported',
    });
  }
  const notices: Notice[] = [];
  const beside = unread.filter((tensor) => BESIDE_TEXT.test(storedNameOf(tensor)));
  if (beside.length > 0) {
    const message = `Parts for images or sounds are not run: ${listed(beside)}.`;
    notices.push({ severity: 'note', code: 'TENSOR-BESIDE-TEXT', message });
  }
  const others = unread.filter((tensor) => !beside.includes(tensor) && !ROTATION.test(storedNameOf(tensor)));
  if (others.length === 0) return notices;
  return [...notices, { severity: 'warning', code: 'TENSOR-UNREAD', message: `No op reads ${listed(others)}.` }];
}

function listed(tensors: readonly Named[]): string {
  const rest = tensors.length > 4 ? ` and ${tensors.length - 4} more` : '';
  return tensors.slice(0, 4).map(nameOf).join(', ') + rest;
}

function nameOf(tensor: Named): string {
  return quoted(storedNameOf(tensor));
}

function storedNameOf({ name, storedName = name }: Named): string {
  return storedName;
}
