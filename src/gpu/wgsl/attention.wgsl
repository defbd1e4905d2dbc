// attention: out[h] = Σ_j softmax_j(scale · q[h]·k_j) · v_j over the visible positions j of the layer's cache. A workgroup makes one
// head of one position, 64 positions j at a time; what came before is rescaled to the largest score so far.
//   q, out  [chunk, heads, head_dim]      keys, values  [positions, kv_heads, head_dim]
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  heads: u32,
  kv_heads: u32,
  head_dim: u32,
  scale: f32,
  /** Positions that are seen, this one included; 0: all. */
  window: u32,
  /** 0: none. */
  cap: f32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read> q: array<f32>;
@group(0) @binding(4) var<storage, read> keys: array<f32>;
@group(0) @binding(5) var<storage, read> values: array<f32>;
// include lib/tanh

const THREADS = 64u;
/** Channels of a head that a thread sums, at most. */
const CHANNELS = 8u;
var<workgroup> scores: array<f32, THREADS>;
var<workgroup> folded: array<f32, THREADS>;

fn score(query: u32, key: u32) -> f32 {
  var sum = 0.0;
  for (var c = 0u; c < params.head_dim; c++) {
    sum += q[query + c] * keys[key + c];
  }
  sum *= params.scale;
  if (params.cap > 0.0) {
    sum = params.cap * tanh_of(sum / params.cap);
  }
  return sum;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let head = workgroup.x;
  let row = place.first_row + workgroup.y;
  let position = place.first_position + row;
  let query = (row * params.heads + head) * params.head_dim;
  let kv_head = head / (params.heads / params.kv_heads);
  var first = 0u;
  if (params.window > 0u && position + 1u > params.window) {
    first = position + 1u - params.window;
  }
  var largest = 0.0;
  var total = 0.0;
  var sums: array<f32, CHANNELS>;
  for (var start = first; start <= position; start += THREADS) {
    let count = min(THREADS, position + 1u - start);
    // A thread past the end repeats the last position's score, which changes no maximum.
    let mine = start + min(thread, count - 1u);
    let own = score(query, (mine * params.kv_heads + kv_head) * params.head_dim);
    folded[thread] = own;
    workgroupBarrier();
    for (var half = THREADS / 2u; half > 0u; half /= 2u) {
      if (thread < half) {
        folded[thread] = max(folded[thread], folded[thread + half]);
      }
      workgroupBarrier();
    }
    var highest = folded[0];
    if (start > first) {
      highest = max(highest, largest);
    }
    let shrink = select(0.0, exp(largest - highest), start > first);
    largest = highest;
    scores[thread] = select(0.0, exp(own - highest), thread < count);
    workgroupBarrier();
    total *= shrink;
    for (var j = 0u; j < count; j++) {
      total += scores[j];
    }
    for (var i = 0u; i < CHANNELS; i++) {
      let channel = thread + THREADS * i;
      if (channel < params.head_dim) {
        var sum = 0.0;
        for (var j = 0u; j < count; j++) {
          sum += scores[j] * values[((start + j) * params.kv_heads + kv_head) * params.head_dim + channel];
        }
        sums[i] = sums[i] * shrink + sum;
      }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < CHANNELS; i++) {
    let channel = thread + THREADS * i;
    if (channel < params.head_dim) {
      out[query + channel] = sums[i] / total;
    }
  }
}
