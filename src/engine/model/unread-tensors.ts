// Tensors of a file that its program never reads. Some would change the result, and then the model is not what we run.
import { RefuteError } from '../../errors.ts';
import { quoted } from '../formats/quoted.ts';
import type { Architectures } from '../config/architecture.ts';
import type { Notice } from '../../notice.ts';
import type { Program } from '../program/program.ts';

/** Parts that no program here applies, or not for every file: biases, shared experts, fused projections. */
const CHANGES_RESULT =
  /^(model\.layers\.\d+\.(?!self_attn\.rotary_emb\.)|blk\.\d+\.(attn_output\.bias|attn_[qkv]\.bias|attn_qkv\.|ffn_(gate|up|down)\.bias|ffn_(gate|up|down)_shexp\.|attn_sinks)|output\.|position_embd\.|token_embd_norm\.)/;

/**
 * @param architectures whose own tensors change the result in a file of another
 * @throws RefuteError E_MODEL_UNREAD_TENSOR
 */
export function unreadTensors(
  path: string,
  program: Program,
  tensors: readonly { name: string; storedName?: string }[],
  architectures: Architectures,
): Notice[] {
  const patterns = [CHANGES_RESULT, ...[...architectures.values()].flatMap(({ ownTensors }) => ownTensors ?? [])];
  const read = new Set(program.weights.map(({ name }) => name));
  const unread = tensors.filter(({ name }) => !read.has(name));
  const serious = unread.find(({ name }) => patterns.some((pattern) => pattern.test(name)));
  if (serious !== undefined) {
    throw new RefuteError({
      code: 'E_MODEL_UNREAD_TENSOR',
      place: path,
      is: `tensor ${nameOf(serious)} would change the result and the ${program.architecture} program does not read it`,
      next: 'The file is of another architecture than it says, or of a variant that is not supported',
    });
  }
  if (unread.length === 0) return [];
  const shown = unread.slice(0, 4).map(nameOf).join(', ');
  const rest = unread.length > 4 ? ` and ${unread.length - 4} more` : '';
  return [{ severity: 'warning', code: 'TENSOR-UNREAD', message: `No op reads ${shown}${rest}.` }];
}

function nameOf({ name, storedName = name }: { name: string; storedName?: string }): string {
  return quoted(storedName);
}
