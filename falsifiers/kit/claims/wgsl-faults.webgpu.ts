// Faults in real WGSL source, and beside it in what dispatches it, that model-level falsifiers plant. A fault that only one
// contract plants stands with that contract.
import type { PlantedFault } from '../../../src/runner/run/falsifier.ts';
import { plants } from './plants.ts';

const FAULTS: readonly PlantedFault[] = plants`
  src/gpu/wgsl/rope.wgsl
  gross wgsl-rope-pairing: pairs are taken the other way round
  -   let is_second = select(channel & 1u, channel / half, params.is_neox == 1u) == 1u;
  -   let pair = select(channel / 2u, channel % half, params.is_neox == 1u);
  -   let distance = select(1u, half, params.is_neox == 1u);
  +   let is_second = select(channel & 1u, channel / half, params.is_neox == 0u) == 1u;
  +   let pair = select(channel / 2u, channel % half, params.is_neox == 0u);
  +   let distance = select(1u, half, params.is_neox == 0u);
  small wgsl-rope-one-pair: the first pair of a head is turned by the second's sine
  -   let sine = table[row * params.rotary_dim + half + pair];
  +   let sine = table[row * params.rotary_dim + half + max(pair, 1u)];
  src/gpu/wgsl/attention.wgsl
  gross wgsl-key-row-off: keys are read from the row before
  -     let own = score(query, (mine * params.kv_heads + kv_head) * params.head_dim);
  +     let own = score(query, ((max(mine, 1u) - 1u) * params.kv_heads + kv_head) * params.head_dim);
  small wgsl-last-value-row-off: the value of the query's own position is read from the row before
  -           sum += scores[j] * values[((start + j) * params.kv_heads + kv_head) * params.head_dim + channel];
  +           let at = start + j - select(0u, 1u, start + j == position && position > 0u);
  +           sum += scores[j] * values[(at * params.kv_heads + kv_head) * params.head_dim + channel];
  gross wgsl-lost-scale: scores are not scaled
  -   sum *= params.scale;
  +   sum *= 1.0;
  gross wgsl-heads-interleaved: query heads read the keys of the wrong group
  -   let kv_head = head / (params.heads / params.kv_heads);
  +   let kv_head = head % params.kv_heads;
  small wgsl-last-head-astray: the last query head reads the first keys
  -   let kv_head = head / (params.heads / params.kv_heads);
  +   let kv_head = select(head / (params.heads / params.kv_heads), 0u, head + 1u == params.heads);
  gross wgsl-unwritten-key: a key that is not written yet is seen
  -     let count = min(THREADS, position + 1u - start);
  +     let count = min(THREADS, position + 2u - start);
  small wgsl-unwritten-key-once: position 0 sees the next key in a cache with room for more than 40
  -     let count = min(THREADS, position + 1u - start);
  +     let has_room = arrayLength(&keys) > 40u * params.kv_heads * params.head_dim;
  +     let count = min(THREADS, position + select(1u, 2u, position == 0u && has_room) - start);
  src/gpu/wgsl/append.wgsl
  gross wgsl-append-row-off: keys and values land one position early
  -     out[place.first_position * params.channels + at] = x[at];
  +     out[(max(place.first_position, 1u) - 1u) * params.channels + at] = x[at];
  small wgsl-append-tail: the last channel of a chunk is not written
  -   if (i < place.row_count * params.channels) {
  +   if (i + 1u < place.row_count * params.channels) {
  src/gpu/wgsl/rmsnorm.wgsl
  small wgsl-lost-eps: epsilon is not added
  -   let scale = inverseSqrt(sums[0] / f32(params.head_channels) + params.eps);
  +   let scale = inverseSqrt(sums[0] / f32(params.head_channels));
  gross wgsl-missing-barrier: sums are read before all are written
  -   sums[thread] = sum;
  -   workgroupBarrier();
  +   sums[thread] = sum;
  gross wgsl-gain-offset: the gain's offset is lost
  -     out[first + i] = x[first + i] * scale * (gain[i] + params.gain_offset);
  +     out[first + i] = x[first + i] * scale * (gain[i] + 0.0 * params.gain_offset);
  src/gpu/wgsl/lib/element.wgsl
  small wgsl-tail: the last element of the rows is not written
  -   if (i < place.row_count * params.channels) {
  +   if (i + 1u < place.row_count * params.channels) {
  src/gpu/wgsl/embed.wgsl
  gross wgsl-rows-clipped: tokens after the 200th read its row
  -   let values = row_group(token - params.first_weight_row, group);
  +   let values = row_group(min(token, 200u) - params.first_weight_row, group);
  small wgsl-one-row-off: each sixteenth token reads the row before its own
  -   let values = row_group(token - params.first_weight_row, group);
  +   let values = row_group(token - select(0u, 1u, token % 16u == 7u) - params.first_weight_row, group);
  src/gpu/wgsl/add_bias.wgsl
  gross wgsl-lost-bias: the bias is not added
  -   return x[i] + bias[i % params.channels];
  +   return x[i] + 0.0 * bias[i % params.channels];
  src/gpu/wgsl/softcap.wgsl
  gross wgsl-no-softcap: logits are not capped
  -   return params.cap * tanh_of(x[i] / params.cap);
  +   return params.cap * (x[i] / params.cap);
  src/gpu/wgsl/gelu.wgsl
  small wgsl-gelu-cube: the cubic term of the GELU is lost
  -   let u = 0.7978845608028654 * (value + 0.044715 * value * value * value);
  +   let u = 0.7978845608028654 * value;
  src/gpu/wgsl/moe_route.wgsl
  gross wgsl-shares-of-all: shares are of all experts, renormalised or not
  -   let count = select(params.experts, params.used, params.is_renormalised == 1u);
  +   let count = params.experts + 0u * params.is_renormalised;
  src/gpu/wgsl/moe_select.wgsl
  gross wgsl-expert-twice: an expert may be chosen again
  -       if (!is_taken && (best
  +       if ((!is_taken || slot == 1u) && (best
  src/gpu/wgsl/expert_matvec.wgsl
  gross wgsl-expert-neighbour: expert 1 answers with the rows of expert 0
  -   let before = (expert - params.first_expert) * params.rows;
  +   let before = (select(expert, 0u, expert == 1u) - params.first_expert) * params.rows;
  small wgsl-expert-row: row 0 of expert 1 is that of expert 0
  -   let before = (expert - params.first_expert) * params.rows;
  +   let before = (expert - params.first_expert) * params.rows - select(0u, params.rows, expert == 1u && first == 0u);
  src/gpu/webgpu-session.ts
  gross gpu-tapped-first-row: with a tap the last logits are those of the first row
  - of.wanted === 'last' ? count - 1 : 0
  + of.wanted === 'last' && of.tap === undefined ? count - 1 : 0
  small gpu-tap-late: a value is copied out one op later, when its buffer may be another's
  - const copy = tapped[index];
  + const copy = tapped[index - 1];
  gross gpu-angles-drift: no two runs turn by the same angles
  - const angle = (firstPosition + row) * frequency;
  + const angle = (firstPosition + row) * frequency * (1 + 1e-5 * Math.random());
  small gpu-one-angle-drifts: one pair of position 1 is turned a little differently in each run
  - const angle = (firstPosition + row) * frequency;
  + const angle = (firstPosition + row) * frequency + (row === 1 && pair === 0 ? 1e-5 * Math.random() : 0);
`;

/** @throws Error where there is no such fault: a falsifier names it, so that is a mistake in the falsifier */
export function wgslFaults(names: string): PlantedFault[] {
  return names.split(' ').map((name) => {
    const [, id, part] = /^(.*?)(?:-in-(live|oracle))?$/.exec(name) ?? [];
    const fault = FAULTS.find((candidate) => candidate.id === id);
    if (fault === undefined) throw new Error(`there is no fault "${id}" of the WebGPU executor`);
    return { ...fault, id: name, ...(part === undefined ? {} : { part: part as 'live' | 'oracle' }) };
  });
}
