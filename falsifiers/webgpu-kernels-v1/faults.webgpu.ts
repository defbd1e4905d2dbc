// Faults in real WGSL source, and in what dispatches it, that only the claims about kernels plant. Others they share with those about
// models (kit/claims/wgsl-faults.webgpu.ts).
import type { PlantedFault } from '../../src/runner/run/falsifier.ts';
import { plants } from '../kit/claims/plants.ts';
import { faultsNamed } from '../kit/claims/wgsl-faults.webgpu.ts';

const FAULTS: readonly PlantedFault[] = plants`
  src/gpu/wgsl/weights/q4_k.wgsl
  gross q4_k-minimum-lost: the minimum of the lower half of the bits is lost
  - scaled_bytes(q & nibbles, low.x, -low.y)
  + scaled_bytes(q & nibbles, low.x, 0.0)
  src/gpu/wgsl/lib/unit.wgsl
  small subnormal-scales: a scale that is a subnormal float16 counts as 0
  - return bitcast<f32>(bitcast<u32>(f32(mantissa) * 0x1p-24f) | sign);
  + return bitcast<f32>(sign);
  src/gpu/wgsl/lib/fifth-bits.wgsl
  small fifth-bits-again: the fifth bits of the last four of 16 values are those of the four before
  - vec4<u32>(at, at + 4u, at + 8u, at + 12u)
  + vec4<u32>(at, at + 4u, at + 8u, at + 8u)
  src/gpu/planes.ts
  gross planes-too-close: every plane begins a row before the end of the one before
  - start += rowCount * layout.blocksPerRow * byteLength;
  + start += (rowCount - 1) * layout.blocksPerRow * byteLength;
  src/gpu/wgsl/embed.wgsl
  small embedding-tail: the last four channels of an embedding are not written
  - if (first + i < params.quads) {
  + if (first + i + 1u < params.quads) {
  src/gpu/wgsl/lib/weights.wgsl
  gross f16-accumulator: sums are kept in the 11 bits of a float16
  -       sum += select(vec4<f32>(), vec4<f32>(product), vec4<u32>(0u, 1u, 2u, 3u) == vec4<u32>(i));
  +       sum += select(vec4<f32>(), vec4<f32>(product), vec4<u32>(0u, 1u, 2u, 3u) == vec4<u32>(i));
  +       sum = bitcast<vec4<f32>>((bitcast<vec4<u32>>(sum) + vec4<u32>(0x1000u)) & vec4<u32>(0xffffe000u));
  src/gpu/wgsl/lib/lanes-subgroup.wgsl
  gross lanes-assumed: sums go over 32 threads, whatever the size of a subgroup
  - override LANES: u32 = 4u;
  + const LANES: u32 = 32u;
  src/gpu/wgsl/matmul.wgsl
  small sums-cut: of many positions, the last 7 of 24 bits of every sum are cleared
  -       out[params.out_at + (place.first_row + first + p) * params.out_stride + group] = sum;
  +       out[params.out_at + (place.first_row + first + p) * params.out_stride + group] = bitcast<vec4<f32>>(bitcast<vec4<u32>>(sum) & vec4<u32>(0xffffff80u));
  src/gpu/wgsl/lib/input.wgsl
  small columns-lost: the last four columns of a product are lost
  - let value = x[input_at + quad];
  + let value = select(x[input_at + quad], vec4<f32>(), quad + 1u == params.quads);
  small norm-in-product-without-eps: epsilon is lost where a product makes the norm
  - inverseSqrt(total / f32(params.channels) + params.eps);
  + inverseSqrt(total / f32(params.channels));
  src/gpu/wgsl/gated.wgsl
  gross gated-stride: gate and up are read as if one followed the other
  - four_rows(8u * mine + 4u * i, thread);
  + four_rows(4u * mine + 4u * i, thread);
  src/gpu/wgsl/product_of_two.wgsl
  small second-rows-off: rows of the second matrix are four on, but for the last
  - four_rows_b(4u * min(group_b, groups_b - 1u), thread);
  + four_rows_b(4u * min(group_b + 1u, groups_b - 1u), thread);
  src/gpu/wgsl/rmsnorm.wgsl
  gross head-stride: heads are taken to begin at multiples of four channels
  - let before = workgroup.x * params.head_channels;
  + let before = workgroup.x * params.head_channels / 4u * 4u;
  src/gpu/dispatch.ts
  gross stale-bind-group: an op is given the buffers of the first that the session has of its kernel
  -       return gpu.device.createBindGroup({ label: name, layout: kernel.layout, entries });
  +       const kept: Record<string, GPUBindGroup> = ((place.buffer as { kept?: object }).kept ??= {}) as never;
  +       const key = [name, place.offset].join();
  +       return (kept[key] ??= gpu.device.createBindGroup({ label: name, layout: kernel.layout, entries }));
  gross last-row-is-first: what is made of the last row alone is made of the first
  - last: group(places.last)
  + last: group(places.all)
  src/gpu/wgsl/rope.wgsl
  gross angles-of-row-0: every row is turned by the cosines of the first
  - let cosine = table[row * params.rotary_dim + pair];
  + let cosine = table[pair];
  small last-channel-unturned: the last channel that is to be turned is copied
  - if (channel >= params.rotary_dim) {
  + if (channel + 1u >= params.rotary_dim) {
  src/gpu/wgsl/lib/splits.wgsl
  small window-one-more: a window sees one position more
  - position + 1u - min(window, position + 1u)
  + position - min(window, position)
  src/gpu/wgsl/lib/scores.wgsl
  small small-caps-lost: scores are not capped below 10
  - if (params.cap > 0.0) {
  + if (params.cap > 10.0) {
  src/gpu/wgsl/lib/parts.wgsl
  gross parts-without-barrier: parts of a sum are added before the others have written theirs
  -     part_totals[thread] = own.total;
  -     workgroupBarrier();
  +     part_totals[thread] = own.total;
  src/gpu/wgsl/combine.wgsl
  small last-split-forgotten: the split that holds the last position is forgotten where there are several
  - for (var split = thread / width; split < splits; split += parts) {
  + for (var split = thread / width; split < max(splits, 2u) - 1u; split += parts) {
  src/gpu/wgsl/lib/activations.wgsl
  gross silu-of-gelu: x · sigmoid(1.702 x), which stands in for GELU
  - return x / (1.0 + exp(-x));
  + return x / (1.0 + exp(-1.702 * x));
  small silu-held: SiLU holds its input between two bounds
  - return x / (1.0 + exp(-x));
  + let held = clamp(x, -80.0, 0x1p+100);
  +   return held / (1.0 + exp(-held));
  src/gpu/wgsl/mul.wgsl
  gross factor-of-row-0: every row is multiplied with the first row of b
  - b[params.b_at + row * params.b_stride + quad];
  + b[params.b_at + quad];
  src/gpu/wgsl/lib/tanh.wgsl
  small tanh-series-too-far: the series of tanh is taken where it is not good enough
  - if (size < 0.25) {
  + if (size < 0.75) {
  src/gpu/wgsl/experts_gated.wgsl
  gross gate-of-expert-0: one position by itself: every slot meets the first expert that was chosen
  - let expert = u32(ids[4u * (params.ids_at + row * params.ids_stride) + slot]);
  + let expert = u32(ids[4u * (params.ids_at + row * params.ids_stride)]);
  src/gpu/wgsl/experts_sum.wgsl
  small share-of-first-slot: one position by itself: answers of the slots have the first one’s share
  - sum += shares[4u * (params.shares_at + row * params.shares_stride) + slot] * product;
  + sum += shares[4u * (params.shares_at + row * params.shares_stride)] * product;
  src/gpu/wgsl/moe_sum.wgsl
  small last-slot-lost: the last of several slots is not added
  - for (var slot = 0u; slot < params.used; slot++) {
  + for (var slot = 0u; slot < max(1u, params.used - 1u); slot++) {
  src/gpu/wgsl/lib/select-experts.wgsl
  small higher-of-equals: of equal logits the higher id comes first
  - x[logits + expert] > x[logits + best]
  + x[logits + expert] >= x[logits + best]
  src/gpu/wgsl/choice.wgsl
  gross others-by-comparison: numbers that are not finite are looked for by comparison
  - if ((bitcast<u32>(value) & 0x7f800000u) == 0x7f800000u) {
  + if (value != value) {
  gross choice-without-barrier: choices of other threads are read before they are made
  -   choices[thread] = own;
  -   workgroupBarrier();
  +   choices[thread] = own;
  small any-of-equals: of equal logits any id is taken
  - b.greatest > a.greatest || (b.greatest == a.greatest && b.id < a.id)
  + b.greatest > a.greatest
  small least-of-one: the least logit is one thread's
  - chosen.least = min(a.least, b.least);
  + chosen.least = a.least;
  src/gpu/wgsl/softcap.wgsl
  gross nan-capped: a NaN becomes the cap
  - , value, is_nan);
  + , value, vec4<bool>(false));
  src/gpu/wgsl/product.wgsl
  gross adds-to-what-was: a little of what the buffer held before is added
  -     out[params.out_at + row * params.out_stride + group] = sum;
  +     out[params.out_at + row * params.out_stride + group] += sum - 0.999 * out[params.out_at + row * params.out_stride + group];
  small taps-move-bits: the last bits of a product are others where its value is tapped
  -     show(params.raw_at, group, sum);
  +     show(params.raw_at, group, sum);
  +     sum += select(vec4<f32>(), 0x1p-22 * sum, place.is_tapped == 1u);
`;

/** By their names. */
export function kernelFaults(names: string): PlantedFault[] {
  return faultsNamed(names, FAULTS);
}
