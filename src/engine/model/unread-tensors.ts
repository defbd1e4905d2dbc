// Tensors of a file that its program never reads. Some would change the result, and then the model is not what we run.
import { RefuteError } from '../../errors.ts';
import { quoted } from '../formats/quoted.ts';
import type { Notice } from '../../notice.ts';
import type { Program } from '../program/program.ts';

/** Parts that an executor of these architectures would have to apply: biases, head norms, experts, fused projections. */
const CHANGES_RESULT =
  /^(model\.layers\.\d+\.(?!self_attn\.rotary_emb\.)|blk\.\d+\.(attn_output\.bias|attn_[qkv]\.bias|attn_qkv\.|attn_[qk]_norm\.|ffn_(gate|up|down)\.bias|ffn_(gate|up|down)_(exps|shexp)\.|ffn_gate_inp\.|post_|attn_sinks)|output\.bias|position_embd\.|token_embd_norm\.|rope_factors_)/;

/** @throws RefuteError E_MODEL_UNREAD_TENSOR */
export function unreadTensors(path: string, program: Program, names: readonly string[]): Notice[] {
  const read = new Set(program.weights.map(({ name }) => name));
  const unread = names.filter((name) => !read.has(name));
  const serious = unread.find((name) => CHANGES_RESULT.test(name));
  if (serious !== undefined) {
    throw new RefuteError({
      code: 'E_MODEL_UNREAD_TENSOR',
      place: path,
      is: `tensor ${quoted(serious)} would change the result and the ${program.architecture} program does not read it`,
      next: 'The file is of another architecture than it says, or of a variant that is not supported',
    });
  }
  if (unread.length === 0) return [];
  const shown = unread.slice(0, 4).map(quoted).join(', ');
  const rest = unread.length > 4 ? ` and ${unread.length - 4} more` : '';
  return [{ severity: 'warning', code: 'TENSOR-UNREAD', message: `No op reads ${shown}${rest}.` }];
}
