// probe_lanes: of each thread its number within its subgroup, and the subgroup's size.
//   out  [threads, 2]
enable subgroups;
@group(0) @binding(0) var<storage, read_write> out: array<u32>;

@compute @workgroup_size(64)
fn main(
  @builtin(local_invocation_index) thread: u32,
  @builtin(subgroup_invocation_id) number: u32,
  @builtin(subgroup_size) size: u32,
) {
  out[2u * thread] = number;
  out[2u * thread + 1u] = size;
}
