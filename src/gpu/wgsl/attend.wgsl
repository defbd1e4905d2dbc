// attend: one position's queries over the layer's cache, before which its query, key and value are normed, turned and appended.
// A workgroup makes one head of one split of 64 positions; `combine` puts the splits together.
//   q, k, v     [heads · head_dim] and twice [kv_heads · head_dim], row 0 of values in `qkv`
//   vectors     gains [head_dim]      table  [1, 2, rotary_dim / 2], cosines before sines
//   keys, values [positions, kv_heads, quads]      quads = ceil(head_dim / 4), of four channels each, and 0 beyond head_dim
//   partial     [splits, heads, quads + 1]: Σ_j e^(s_j − m) · v_j, then (m, Σ_j e^(s_j − m), 0, 0), m the largest s_j of the split
//   inner       values in between, where they are wanted: [heads · head_dim] or [kv_heads · head_dim] each
// The present key and value are taken from this position's product and never from the cache, which one workgroup of each key-value
// head is writing them to.
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
  q_at: u32,
  k_at: u32,
  v_at: u32,
  /** Of the gains of rmsnorm; NONE: no norm. */
  q_gain_at: u32,
  k_gain_at: u32,
  eps: f32,
  gain_offset: f32,
  /** 0: no rope. */
  rotary_dim: u32,
  /** 1: a pair is i and i + rotary_dim / 2; 0: 2i and 2i + 1. */
  is_neox: u32,
  q_norm_at: u32,
  k_norm_at: u32,
  q_rope_at: u32,
  k_rope_at: u32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> qkv: array<f32>;
@group(0) @binding(3) var<storage, read> vectors: array<f32>;
@group(0) @binding(4) var<storage, read> table: array<f32>;
@group(0) @binding(5) var<storage, read_write> keys: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> values: array<vec4<f32>>;
@group(0) @binding(7) var<storage, read_write> inner: array<f32>;
@group(0) @binding(8) var<storage, read_write> partial: array<vec4<f32>>;
// include lib/scores
// include lib/splits
// include lib/parts

const NONE = 0xffffffffu;
const THREADS = 64u;
const MOST_QUADS = 128u;
/** Threads that share a key's channels, and groups of them, each with four adjacent keys of the split. */
const LANES_OF_KEY = 4u;
const GROUPS = 16u;
var<workgroup> squares: array<vec2<f32>, THREADS>;
/** The query, and the present key and value. */
var<workgroup> query: array<vec4<f32>, MOST_QUADS>;
var<workgroup> present_key: array<vec4<f32>, MOST_QUADS>;
var<workgroup> present_value: array<vec4<f32>, MOST_QUADS>;
/** [lane, group], of four keys each. */
var<workgroup> products: array<vec4<f32>, THREADS>;
var<workgroup> scores: array<vec4<f32>, GROUPS>;
var<workgroup> powers: array<vec4<f32>, GROUPS>;
var<workgroup> present_power: f32;

/** One head of q, k or v on its way from the product. */
struct Head {
  /** Of its first channel in `qkv`. */
  at: u32,
  gain_at: u32,
  /** 1 / sqrt(mean(x²) + eps). */
  factor: f32,
  rotary_dim: u32,
  is_tapped: bool,
  /** Of its first channel in `inner`. */
  norm_at: u32,
  rope_at: u32,
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let quads = (params.head_dim + 3u) / 4u;
  let head = workgroup.x;
  let group_heads = params.heads / params.kv_heads;
  let kv_head = head / group_heads;
  let position = place.first_position;
  let first = first_seen(position, params.window);
  let start = SPLIT * (first / SPLIT + workgroup.y);
  let has_present = position < start + SPLIT;
  let is_writer = has_present && head % group_heads == 0u;
  // Of the split, those that are seen and in the cache.
  let begin = max(start, first);
  let end = min(start + SPLIT, position);

  // The query, and where they are wanted the present key and value. As a loop, since a software adapter runs what is in an `if` that
  // no thread takes.
  let q_from = head * params.head_dim;
  let kv_from = kv_head * params.head_dim;
  let factors = factors_of(4u * params.q_at + q_from, 4u * params.k_at + kv_from, quads, thread);
  let taps = place.is_tapped == 1u && has_present;
  var row = Head(4u * params.q_at + q_from, params.q_gain_at, factors.x, params.rotary_dim, taps, 4u * params.q_norm_at + q_from, 4u * params.q_rope_at + q_from);
  var is_last_head = head + 1u == params.heads;
  for (var which = 0u; which < select(1u, 3u, has_present); which++) {
    for (var quad = thread; quad < quads; quad += THREADS) {
      let x = quad_of(row, quad);
      let at = (position * params.kv_heads + kv_head) * quads + quad;
      if (which == 0u) {
        query[quad] = x;
      } else if (which == 1u) {
        present_key[quad] = x;
        if (is_writer) {
          keys[at] = x;
        }
      } else {
        present_value[quad] = x;
        if (is_writer) {
          values[at] = x;
        }
      }
    }
    if (row.is_tapped && is_last_head) {
      pad_inner(row, thread);
    }
    is_last_head = kv_head + 1u == params.kv_heads;
    if (which == 0u) {
      row = Head(4u * params.k_at + kv_from, params.k_gain_at, factors.y, params.rotary_dim, taps && is_writer, 4u * params.k_norm_at + kv_from, 4u * params.k_rope_at + kv_from);
    } else {
      row = Head(4u * params.v_at + kv_from, NONE, 1.0, 0u, false, 0u, 0u);
    }
  }
  workgroupBarrier();

  // Products with four keys a thread. A key that is not seen is read as the next one that is, and masked below.
  let lane = thread % LANES_OF_KEY;
  let group = thread / LANES_OF_KEY;
  let four = start + 4u * group + vec4<u32>(0u, 1u, 2u, 3u);
  var sums = vec4<f32>();
  if (four.x < end && four.w >= begin) {
    let at = (clamp(four, vec4<u32>(begin), vec4<u32>(end - 1u)) * params.kv_heads + kv_head) * quads;
    for (var quad = lane; quad < quads; quad += LANES_OF_KEY) {
      let x = query[quad];
      sums += vec4<f32>(dot(x, keys[at.x + quad]), dot(x, keys[at.y + quad]), dot(x, keys[at.z + quad]), dot(x, keys[at.w + quad]));
    }
  }
  if (four.x <= position && position <= four.w) {
    var sum = 0.0;
    for (var quad = lane; quad < quads; quad += LANES_OF_KEY) {
      sum += dot(query[quad], present_key[quad]);
    }
    sums = select(sums, vec4<f32>(sum), four == vec4<u32>(position));
  }
  products[GROUPS * lane + group] = sums;
  workgroupBarrier();

  // Shares, by the first threads, four keys each.
  let own = start + 4u * thread + vec4<u32>(0u, 1u, 2u, 3u);
  let are_seen = (own >= vec4<u32>(first)) & (own <= vec4<u32>(position));
  if (thread < GROUPS) {
    let sum = (products[thread] + products[GROUPS + thread]) + (products[2u * GROUPS + thread] + products[3u * GROUPS + thread]);
    scores[thread] = select(vec4<f32>(LOWEST), scores_of(sum), are_seen);
  }
  workgroupBarrier();
  var largest = LOWEST;
  if (thread < GROUPS) {
    var most = scores[0];
    for (var i = 1u; i < GROUPS; i++) {
      most = max(most, scores[i]);
    }
    largest = max(max(most.x, most.y), max(most.z, most.w));
    let all = select(vec4<f32>(), powers_of(scores[thread], vec4<f32>(largest)), are_seen);
    let is_present = own == vec4<u32>(position);
    powers[thread] = select(all, vec4<f32>(), is_present);
    if (any(is_present)) {
      let present = select(vec4<f32>(), all, is_present);
      present_power = (present.x + present.y) + (present.z + present.w);
    }
  }
  workgroupBarrier();

  // The values by their shares: a thread to four channels, and to a part of the keys where there are threads for it.
  let width = min(quads, THREADS);
  let parts = THREADS / width;
  let last_group = (end - min(start, end) + 3u) / 4u;
  let out = (workgroup.y * params.heads + head) * (quads + 1u);
  for (var column = 0u; column < quads; column += width) {
    let quad = column + thread % width;
    var shares = Shares(vec4<f32>(), 0.0);
    if (quad < quads && thread < parts * width) {
      for (var i = (begin - start) / 4u + thread / width; i < last_group; i += parts) {
        let power = powers[i];
        let key = clamp(start + 4u * i + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(begin), vec4<u32>(end - 1u));
        let at = (key * params.kv_heads + kv_head) * quads + quad;
        shares.sum += (power.x * values[at.x] + power.y * values[at.y]) + (power.z * values[at.z] + power.w * values[at.w]);
        shares.total += (power.x + power.y) + (power.z + power.w);
      }
    }
    shares = add_parts(shares, width, parts, thread);
    if (thread < width && quad < quads) {
      if (has_present) {
        shares.sum += present_power * present_value[quad];
        shares.total += present_power;
      }
      partial[out + quad] = shares.sum;
      if (quad == 0u) {
        partial[out + quads] = vec4<f32>(largest, shares.total, 0.0, 0.0);
      }
    }
  }
}

/** Of rmsnorm: of the query, and of the key; 1 without norms. For all threads at once. */
fn factors_of(q_at: u32, k_at: u32, quads: u32, thread: u32) -> vec2<f32> {
  if (params.q_gain_at == NONE && params.k_gain_at == NONE) {
    return vec2<f32>(1.0);
  }
  var sum = vec2<f32>();
  for (var quad = thread; quad < quads; quad += THREADS) {
    for (var c = 4u * quad; c < min(4u * quad + 4u, params.head_dim); c++) {
      let x = vec2<f32>(qkv[q_at + c], qkv[k_at + c]);
      sum += x * x;
    }
  }
  squares[thread] = sum;
  workgroupBarrier();
  var total = squares[0];
  for (var i = 1u; i < min(THREADS, quads); i++) {
    total += squares[i];
  }
  return inverseSqrt(total / f32(params.head_dim) + params.eps);
}

/** Four channels as they enter the products; 0 beyond the head. */
fn quad_of(head: Head, quad: u32) -> vec4<f32> {
  var out = vec4<f32>();
  for (var i = 0u; i < min(4u, params.head_dim - 4u * quad); i++) {
    out = select(out, vec4<f32>(turned(head, 4u * quad + i)), vec4<u32>(0u, 1u, 2u, 3u) == vec4<u32>(i));
  }
  return out;
}

fn turned(head: Head, c: u32) -> f32 {
  let x = normed(head, c);
  if (head.is_tapped && head.gain_at != NONE) {
    inner[head.norm_at + c] = x;
  }
  var out = x;
  if (c < head.rotary_dim) {
    let half = params.rotary_dim / 2u;
    let is_second = select(c & 1u, u32(c >= half), params.is_neox == 1u) == 1u;
    let distance = select(1u, half, params.is_neox == 1u);
    let pair = select(c / 2u, select(c, c - half, is_second), params.is_neox == 1u);
    let other = normed(head, select(c + distance, c - distance, is_second));
    // Of the first of a pair x · cos − other · sin.
    out = x * table[pair] + other * select(-table[half + pair], table[half + pair], is_second);
  }
  if (head.is_tapped && params.rotary_dim > 0u) {
    inner[head.rope_at + c] = out;
  }
  return out;
}

fn normed(head: Head, c: u32) -> f32 {
  var x = qkv[head.at + c];
  if (head.gain_at != NONE) {
    x = x * head.factor * (vectors[4u * head.gain_at + c] + params.gain_offset);
  }
  return x;
}

/** After the last head: what is left of its last four channels. */
fn pad_inner(head: Head, thread: u32) {
  let norm_end = head.norm_at + params.head_dim;
  let rope_end = head.rope_at + params.head_dim;
  if (thread < 3u - (norm_end + 3u) % 4u) {
    if (head.gain_at != NONE) {
      inner[norm_end + thread] = 0.0;
    }
    if (params.rotary_dim > 0u) {
      inner[rope_end + thread] = 0.0;
    }
  }
}
