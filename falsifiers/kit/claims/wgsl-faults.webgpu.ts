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
  - = keys[(key * params.kv_heads + kv_head) * quads + quad];
  + = keys[((max(key, 1u) - 1u) * params.kv_heads + kv_head) * quads + quad];
  gross wgsl-heads-interleaved: query heads read the keys of the wrong group
  -   let kv_head = head / (params.heads / params.kv_heads);
  +   let kv_head = head % params.kv_heads;
  small wgsl-last-head-astray: the last query head reads the first keys
  -   let kv_head = head / (params.heads / params.kv_heads);
  +   let kv_head = select(head / (params.heads / params.kv_heads), 0u, head + 1u == params.heads);
  src/gpu/wgsl/attend.wgsl
  small wgsl-last-value-row-off: one position by itself: its own value is read from the row before
  -         shares.sum += present_power * present_value[quad];
  +         let before = ((max(position, 1u) - 1u) * params.kv_heads + kv_head) * quads + quad;
  +         shares.sum += present_power * select(present_value[quad], values[before], position > 0u);
  small wgsl-cache-two-short: one position by itself: keys wrap two positions before the cache ends
  -       let at = (position * params.kv_heads + kv_head) * quads + quad;
  +       let room = max(arrayLength(&keys) / (params.kv_heads * quads), 3u) - 2u;
  +       let at = ((position % room) * params.kv_heads + kv_head) * quads + quad;
  src/gpu/wgsl/append.wgsl
  gross wgsl-append-row-off: keys and values land one position early
  -     out[(place.first_position + row) * width + i % width] = vec4<f32>(
  +     out[(max(place.first_position + row, 1u) - 1u) * width + i % width] = vec4<f32>(
  gross wgsl-cache-one-short: keys and values wrap one position before the cache ends
  -     out[(place.first_position + row) * width + i % width] = vec4<f32>(
  +     out[((place.first_position + row) % max(arrayLength(&out) / width - 1u, 1u)) * width + i % width] = vec4<f32>(
  small wgsl-append-tail: the last four channels of a chunk are not written
  -   if (i < place.row_count * width) {
  +   if (i + 1u < place.row_count * width) {
  src/gpu/wgsl/lib/scores.wgsl
  gross wgsl-lost-scale: scores are not scaled
  -   let scores = params.scale * products;
  +   let scores = 1.0 * products;
  src/gpu/wgsl/lib/total.wgsl
  gross wgsl-missing-barrier: numbers of other threads are read before they are written
  -   partials[thread] = value;
  -   workgroupBarrier();
  +   partials[thread] = value;
  src/gpu/wgsl/rmsnorm.wgsl
  small wgsl-lost-eps: epsilon is not added
  -   let scale = inverseSqrt(total_of(sum, thread) / f32(params.head_channels) + params.eps);
  +   let scale = inverseSqrt(total_of(sum, thread) / f32(params.head_channels));
  gross wgsl-gain-offset: the gain's offset is lost
  -  * scale * (vectors[4u * params.gain_at + i] + params.gain_offset);
  +  * scale * vectors[4u * params.gain_at + i];
  src/gpu/wgsl/lib/element.wgsl
  small wgsl-tail: the last four channels of the rows are not written
  -   if (i < place.row_count * params.quads) {
  +   if (i + 1u < place.row_count * params.quads) {
  src/gpu/wgsl/embed.wgsl
  gross wgsl-rows-clipped: tokens after the 200th read its row
  -   let weights = decode(token - params.first_weight_row, unit);
  +   let weights = decode(min(token, 200u) - params.first_weight_row, unit);
  small wgsl-one-row-off: each sixteenth token reads the row before its own
  -   let weights = decode(token - params.first_weight_row, unit);
  +   let weights = decode(token - select(0u, 1u, token % 16u == 7u) - params.first_weight_row, unit);
  src/gpu/wgsl/add_bias.wgsl
  gross wgsl-lost-bias: the bias is not added
  -  + vectors[params.bias_at + quad];
  +  + 0.0 * vectors[params.bias_at + quad];
  src/gpu/wgsl/softcap.wgsl
  gross wgsl-no-softcap: logits are not capped
  -   return select(params.cap * vec4<f32>(tanh_of(u.x), tanh_of(u.y), tanh_of(u.z), tanh_of(u.w)), value, is_nan);
  +   return select(params.cap * u, value, is_nan);
  src/gpu/wgsl/lib/activations.wgsl
  small wgsl-gelu-cube: the cubic term of the GELU is lost
  -   let u = 0.7978845608028654 * (x + 0.044715 * x * x * x);
  +   let u = 0.7978845608028654 * x;
  src/gpu/wgsl/lib/route-experts.wgsl
  gross wgsl-shares-of-all: shares are of the first experts, renormalised or not
  -     if (params.is_renormalised == 1u) {
  +     if (params.is_renormalised == 2u) {
  src/gpu/wgsl/experts.wgsl
  gross wgsl-expert-neighbour: expert 1 answers with the rows of expert 0
  -   let within = select(0u, expert - params.first_expert, is_here);
  +   let within = select(0u, select(expert, 0u, expert == 1u) - params.first_expert, is_here);
  small wgsl-expert-rows: the first four rows of expert 1 are those of expert 0
  -   let product = four_rows((within * groups + mine)
  +   let product = four_rows(((within - select(0u, 1u, within == 1u && mine == 0u)) * groups + mine)
  src/gpu/webgpu-session.ts
  gross gpu-tapped-first-row: with a tap the last logits are those of the first row
  - await recorder.copy(LOGITS, from, place.rowCount - 1, 0, 1);
  + await recorder.copy(LOGITS, from, tap === undefined ? place.rowCount - 1 : 0, 0, 1);
  small gpu-tapped-on-one-row: rows of a tapped value that come one by one land on the first
  - await recorder.copy(value, from, 0, toRow, place.rowCount);
  + await recorder.copy(value, from, 0, 0, place.rowCount);
  src/gpu/rotations.ts
  gross gpu-angles-drift: no two runs turn by the same angles
  - fillRopeTable(angles, frequencies, firstPosition, amplitude);
  + fillRopeTable(angles, frequencies, firstPosition, amplitude * (1 + 1e-5 * Math.random()));
  small gpu-one-angle-drifts: one pair of a chunk's first position is turned a little differently in each run
  - queue.writeBuffer(table, 0, angles);
  + angles[frequencies.length] = (angles[frequencies.length] ?? 0) + 1e-5 * Math.random();
  + queue.writeBuffer(table, 0, angles);
`;

/** By their names, with `-in-live` and `-in-oracle` for those parts to see. */
export function wgslFaults(names: string): PlantedFault[] {
  return faultsNamed(names, []);
}

/**
 * @param own beside those of here
 * @throws Error where there is no such fault: a falsifier names it, so that is a mistake in the falsifier
 */
export function faultsNamed(names: string, own: readonly PlantedFault[]): PlantedFault[] {
  return names.split(' ').map((name) => {
    const [, id, part] = /^(.*?)(?:-in-(live|oracle))?$/.exec(name) ?? [];
    const fault = [...own, ...FAULTS].find((candidate) => candidate.id === id);
    if (fault === undefined) throw new Error(`there is no fault "${id}" of the WebGPU executor`);
    return { ...fault, id: name, ...(part === undefined ? {} : { part: part as 'live' | 'oracle' }) };
  });
}
