// attention: out[h] = Σ_j softmax_j(scale · q[h]·k_j) · v_j over the visible positions j of the layer's cache, for many positions. A
// workgroup makes 128 channels of one head of 16 rows, 64 positions j at a time, from a multiple of 64 on: what came before is
// rescaled to the largest score so far, so a row's bits do not depend on the rows beside it.
//   q, out  [chunk, heads · head_dim]      keys, values  [positions, kv_heads, quads], quads = ceil(head_dim / 4)
// The rows' own keys and values are in the cache. Grid: heads, ceil(rows / 16), ceil(head_dim / 128).
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
  out_at: u32,
  out_stride: u32,
  q_at: u32,
  q_stride: u32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read> q: array<f32>;
@group(0) @binding(4) var<storage, read> keys: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> values: array<vec4<f32>>;
// include lib/scores
// include lib/splits

/** A thread makes the products of 4 rows with the 4 keys i, i + 16, i + 32, i + 48; then 4 rows by twice 4 channels. */
const THREADS = 64u;
const ROWS = 16u;
const KEYS = 64u;
const COLUMNS = 16u;
/** Of channels that rows and keys are read by, and what keeps neighbours of a column in different banks of memory. */
const STRIP = 8u;
const KEY_PITCH = 65u;
var<workgroup> row_strip: array<vec4<f32>, 128>;
var<workgroup> key_strip: array<vec4<f32>, 520>;
/** [key, four rows]: one value for each of the rows. */
var<workgroup> powers: array<vec4<f32>, 256>;
var<workgroup> of_columns: array<vec4<f32>, THREADS>;

/** Four rows by four channels. */
struct Tile {
  a: vec4<f32>,
  b: vec4<f32>,
  c: vec4<f32>,
  d: vec4<f32>,
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let quads = (params.head_dim + 3u) / 4u;
  let head = workgroup.x;
  let kv_head = head / (params.heads / params.kv_heads);
  let column = thread % COLUMNS;
  let fours = thread / COLUMNS;
  // A row beyond the last is the last one again, and is not written; four of them are not computed.
  let tile_row = place.first_row + ROWS * workgroup.y;
  let last_row = place.first_row + place.row_count - 1u;
  let rows = min(tile_row + 4u * fours + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(last_row));
  let is_there = tile_row + 4u * fours <= last_row;
  let positions = place.first_position + rows;
  let firsts = vec4<u32>(
    first_seen(positions.x, params.window),
    first_seen(positions.y, params.window),
    first_seen(positions.z, params.window),
    first_seen(positions.w, params.window),
  );
  let start = first_seen(place.first_position + tile_row, params.window) / SPLIT * SPLIT;
  let end = place.first_position + min(tile_row + ROWS - 1u, last_row) + 1u;
  let near = 32u * workgroup.z + column;

  var largest = vec4<f32>(LOWEST);
  var total = vec4<f32>();
  var near_sums = Tile();
  var far_sums = Tile();
  for (var tile = start; tile < end; tile += KEYS) {
    var p0 = vec4<f32>();
    var p1 = vec4<f32>();
    var p2 = vec4<f32>();
    var p3 = vec4<f32>();
    for (var strip = 0u; strip < quads; strip += STRIP) {
      workgroupBarrier();
      for (var i = thread; i < ROWS * STRIP; i += THREADS) {
        row_strip[ROWS * (i % STRIP) + i / STRIP] = query(min(tile_row + i / STRIP, last_row), head, strip + i % STRIP);
      }
      for (var i = thread; i < KEYS * STRIP; i += THREADS) {
        let quad = min(strip + i % STRIP, quads - 1u);
        let key = min(tile + i / STRIP, end - 1u);
        key_strip[KEY_PITCH * (i % STRIP) + i / STRIP] = keys[(key * params.kv_heads + kv_head) * quads + quad];
      }
      workgroupBarrier();
      if (is_there) {
        for (var i = 0u; i < min(STRIP, quads - strip); i++) {
          let at = ROWS * i + 4u * fours;
          let a = row_strip[at];
          let b = row_strip[at + 1u];
          let c = row_strip[at + 2u];
          let d = row_strip[at + 3u];
          let k = KEY_PITCH * i + column;
          p0 += with_rows(key_strip[k], a, b, c, d);
          p1 += with_rows(key_strip[k + 16u], a, b, c, d);
          p2 += with_rows(key_strip[k + 32u], a, b, c, d);
          p3 += with_rows(key_strip[k + 48u], a, b, c, d);
        }
      }
    }
    let see0 = are_seen(tile + column, firsts, positions);
    let see1 = are_seen(tile + column + 16u, firsts, positions);
    let see2 = are_seen(tile + column + 32u, firsts, positions);
    let see3 = are_seen(tile + column + 48u, firsts, positions);
    p0 = select(vec4<f32>(LOWEST), scores_of(p0), see0);
    p1 = select(vec4<f32>(LOWEST), scores_of(p1), see1);
    p2 = select(vec4<f32>(LOWEST), scores_of(p2), see2);
    p3 = select(vec4<f32>(LOWEST), scores_of(p3), see3);
    of_columns[thread] = max(max(p0, p1), max(p2, p3));
    workgroupBarrier();
    var most = largest;
    for (var i = 0u; i < COLUMNS; i++) {
      most = max(most, of_columns[COLUMNS * fours + i]);
    }
    let shrink = exp(max(largest - most, vec4<f32>(-200.0)));
    largest = most;
    p0 = select(vec4<f32>(), powers_of(p0, most), see0);
    p1 = select(vec4<f32>(), powers_of(p1, most), see1);
    p2 = select(vec4<f32>(), powers_of(p2, most), see2);
    p3 = select(vec4<f32>(), powers_of(p3, most), see3);
    total = total * shrink + ((p0 + p1) + (p2 + p3));
    let at = 4u * column + fours;
    powers[at] = p0;
    powers[at + 64u] = p1;
    powers[at + 128u] = p2;
    powers[at + 192u] = p3;
    workgroupBarrier();
    if (is_there) {
      let seen = Seen(tile, max(firsts.x, tile), min(positions.w + 1u, tile + KEYS), firsts, positions);
      if (near < quads) {
        near_sums = add_tile(near_sums, shrink, weighted(seen, fours, kv_head * quads + near, params.kv_heads * quads));
      }
      if (near + COLUMNS < quads) {
        far_sums = add_tile(far_sums, shrink, weighted(seen, fours, kv_head * quads + near + COLUMNS, params.kv_heads * quads));
      }
    }
  }

  of_columns[thread] = total;
  workgroupBarrier();
  total = vec4<f32>();
  for (var i = 0u; i < COLUMNS; i++) {
    total += of_columns[COLUMNS * fours + i];
  }
  let written = vec4<bool>(true, rows.y > rows.x, rows.z > rows.y, rows.w > rows.z) & vec4<bool>(is_there);
  let to = 4u * (params.out_at + rows * params.out_stride) + head * params.head_dim;
  write_tile(near_sums, total, written, head + 1u == params.heads, to, 4u * near);
  write_tile(far_sums, total, written, head + 1u == params.heads, to, 4u * (near + COLUMNS));
}

/** Four channels of the row's query, 0 beyond the head's end. */
fn query(row: u32, head: u32, quad: u32) -> vec4<f32> {
  let at = 4u * (params.q_at + row * params.q_stride) + head * params.head_dim;
  let c = 4u * quad;
  return vec4<f32>(channel(at, c), channel(at, c + 1u), channel(at, c + 2u), channel(at, c + 3u));
}

fn channel(at: u32, c: u32) -> f32 {
  if (c < params.head_dim) {
    return q[at + c];
  }
  return 0.0;
}

fn with_rows(key: vec4<f32>, a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32>) -> vec4<f32> {
  return vec4<f32>(dot(a, key), dot(b, key), dot(c, key), dot(d, key));
}

/** By each of four rows. */
fn are_seen(key: u32, firsts: vec4<u32>, positions: vec4<u32>) -> vec4<bool> {
  return (vec4<u32>(key) >= firsts) & (vec4<u32>(key) <= positions);
}

/** What four rows see of the keys from `tile` on: one of them or more those from `begin` to `end`. */
struct Seen {
  tile: u32,
  begin: u32,
  end: u32,
  firsts: vec4<u32>,
  positions: vec4<u32>,
}

/** Σ_j power_j · v_j over the tile. What a row does not see is not multiplied by 0: it may be infinite. */
fn weighted(seen: Seen, fours: u32, at: u32, stride: u32) -> Tile {
  var sums = Tile();
  let common_end = min(seen.positions.x + 1u, seen.end);
  for (var key = seen.begin; key < seen.end; key++) {
    // In the order of keys, so that a row's sum does not depend on the rows beside it.
    for (; key >= seen.firsts.w && key < common_end; key++) {
      let power = powers[4u * (key - seen.tile) + fours];
      let value = values[key * stride + at];
      sums.a += power.x * value;
      sums.b += power.y * value;
      sums.c += power.z * value;
      sums.d += power.w * value;
    }
    let see = are_seen(key, seen.firsts, seen.positions) & vec4<bool>(key < seen.end);
    let power = powers[4u * (min(key, seen.end - 1u) - seen.tile) + fours];
    let value = values[min(key, seen.end - 1u) * stride + at];
    sums.a += select(vec4<f32>(), power.x * value, see.x);
    sums.b += select(vec4<f32>(), power.y * value, see.y);
    sums.c += select(vec4<f32>(), power.z * value, see.z);
    sums.d += select(vec4<f32>(), power.w * value, see.w);
  }
  return sums;
}

fn add_tile(before: Tile, shrink: vec4<f32>, tile: Tile) -> Tile {
  return Tile(
    before.a * shrink.x + tile.a,
    before.b * shrink.y + tile.b,
    before.c * shrink.z + tile.c,
    before.d * shrink.w + tile.d,
  );
}

fn write_tile(sums: Tile, total: vec4<f32>, written: vec4<bool>, is_last_head: bool, to: vec4<u32>, c: u32) {
  write_row(sums.a / total.x, written.x, is_last_head, to.x, c);
  write_row(sums.b / total.y, written.y, is_last_head, to.y, c);
  write_row(sums.c / total.z, written.z, is_last_head, to.z, c);
  write_row(sums.d / total.w, written.w, is_last_head, to.w, c);
}

/** Four channels of a head, as many as it has; after the last head what is left of its last four. */
fn write_row(value: vec4<f32>, is_written: bool, is_last_head: bool, to: u32, c: u32) {
  if (is_written && c < params.head_dim) {
    let count = params.head_dim - c;
    out[to + c] = value.x;
    if (count > 1u) {
      out[to + c + 1u] = value.y;
    }
    if (count > 2u) {
      out[to + c + 2u] = value.z;
    }
    if (count > 3u) {
      out[to + c + 3u] = value.w;
    }
    let end = to + params.head_dim;
    if (is_last_head && count <= 4u) {
      for (var i = end; i % 4u != 0u; i++) {
        out[i] = 0.0;
      }
    }
  }
}
