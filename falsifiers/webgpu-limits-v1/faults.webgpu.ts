// What goes wrong at the limits of a device, as changes of the product.
import type { PlantedFault } from '../../src/runner/run/falsifier.ts';
import { plants } from '../kit/claims/plants.ts';

const FAULTS: readonly PlantedFault[] = plants`
  src/gpu/bind-op.ts
  gross parts-on-the-first: what a part of a matrix makes lies where the first part's is
  - return { ...out, at: out.at + firstRow / GROUP };
  + return { ...out, at: out.at + 0 * (firstRow / GROUP) };
  small part-begins-late: the part of an embedding begins four rows late
  - const rows = { first_weight_row: part.firstRow, weight_rows: part.rowCount };
  + const rows = { first_weight_row: part.firstRow === 0 ? 0 : part.firstRow + 4, weight_rows: part.rowCount };
  src/gpu/dispatch.ts
  gross groups-in-one-line: workgroups beyond 65,535 are left out
  - return [Math.ceil(count / lines), lines];
  + return [Math.min(count, MAX_GROUPS), 1];
  small groups-one-line-short: a line of workgroups that is not full is left out
  - const lines = Math.ceil(count / MAX_GROUPS);
  + const lines = Math.max(1, Math.floor(count / MAX_GROUPS));
  src/gpu/wgsl/lib/lanes-subgroup.wgsl
  gross lanes-half: half of the threads of a row are not added up
  -   for (var distance = LANES / 2u; distance > 0u; distance /= 2u) {
  +   for (var distance = LANES / 4u; distance > 0u; distance /= 2u) {
  small lanes-other-order: neighbours are added up first
  -   for (var distance = LANES / 2u; distance > 0u; distance /= 2u) {
  +   for (var distance = 1u; distance < LANES; distance *= 2u) {
  src/gpu/device.ts
  gross lost-is-silent: who waits for a device that is lost waits for ever
  - for (const tell of this.#waiting) tell(this.#lost);
  + this.#waiting.clear();
  small lost-while-mapped: a device that is lost while something is mapped has an error of no kind
  - await this.guarded(buffer.label, 'E_GPU_MAP', () => buffer.mapAsync(READ, 0, byteLength));
  + await buffer.mapAsync(READ, 0, byteLength);
  small buffer-stays: a buffer whose creation failed is not let go of
  - (buffer as GPUBuffer | null)?.destroy();
  + void buffer;
  src/gpu/load-program.ts
  gross weights-stay: weights that were loaded before one that does not fit stay
  -     buffers.release();
  -     throw error;
  +     throw error;
  src/gpu/guards.ts
  gross guards-unread: nobody looks at the guards
  - if (placed.length === 0) return;
  + if (placed.length >= 0) return;
  src/gpu/poisoned-text.ts
  small poison-left-out: memory of workgroups begins as 0
  - let nan = bitcast<f32>(bits);
  + let nan = 0.0 * f32(bits);
`;

/** By their names. */
export function atLimits(names: string): PlantedFault[] {
  const wanted = names.split(' ');
  return FAULTS.filter(({ id }) => wanted.includes(id));
}
