// combine: out[h] = Σ_s e^(m_s − m) · sums_s / Σ_s e^(m_s − m) · total_s over the splits s that `attend` made of one position, m the
// largest m_s. A workgroup makes one head.
//   partial  [splits, heads, quads + 1]: sums of the head's channels, then (m, total, 0, 0)      out  [heads · head_dim], row 0
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  heads: u32,
  head_dim: u32,
  /** Positions that are seen, this one included; 0: all. */
  window: u32,
  out_at: u32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read> partial: array<vec4<f32>>;
// include lib/splits
// include lib/parts

const THREADS = 64u;
var<workgroup> largests: array<f32, THREADS>;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let quads = (params.head_dim + 3u) / 4u;
  let head = workgroup.x;
  let splits = place.first_position / SPLIT - first_seen(place.first_position, params.window) / SPLIT + 1u;
  let begin = head * (quads + 1u);
  let stride = params.heads * (quads + 1u);

  // A thread beyond the splits repeats the last one's, which changes no maximum.
  var own = partial[begin + min(thread, splits - 1u) * stride + quads].x;
  for (var split = thread + THREADS; split < splits; split += THREADS) {
    own = max(own, partial[begin + split * stride + quads].x);
  }
  largests[thread] = own;
  workgroupBarrier();
  var largest = largests[0];
  for (var i = 1u; i < min(THREADS, splits); i++) {
    largest = max(largest, largests[i]);
  }

  let to = 4u * params.out_at + head * params.head_dim;
  let width = min(quads, THREADS);
  let parts = THREADS / width;
  for (var column = 0u; column < quads; column += width) {
    let quad = column + thread % width;
    var shares = Shares(vec4<f32>(), 0.0);
    if (quad < quads && thread < parts * width) {
      for (var split = thread / width; split < splits; split += parts) {
        let at = begin + split * stride;
        let of_split = partial[at + quads];
        let shrink = exp(of_split.x - largest);
        shares.sum += shrink * partial[at + quad];
        shares.total += shrink * of_split.y;
      }
    }
    shares = add_parts(shares, width, parts, thread);
    if (thread < width && quad < quads) {
      let value = shares.sum / shares.total;
      let c = 4u * quad;
      out[to + c] = value.x;
      if (c + 1u < params.head_dim) {
        out[to + c + 1u] = value.y;
      }
      if (c + 2u < params.head_dim) {
        out[to + c + 2u] = value.z;
      }
      if (c + 3u < params.head_dim) {
        out[to + c + 3u] = value.w;
      }
    }
  }
  // After the last head: what is left of its last four channels.
  let end = to + params.head_dim;
  if (head + 1u == params.heads && thread < 3u - (end + 3u) % 4u) {
    out[end + thread] = 0.0;
  }
}
