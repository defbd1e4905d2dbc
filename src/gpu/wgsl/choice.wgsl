// choice: of a row of logits the greatest, its id (of equals the lowest), the least, and whether some are no finite numbers. A
// workgroup makes 1,024 of them, or puts together what others made.
//   x  [chunk, channels]      parts, out  [workgroups, 4]: greatest, id, least, whether there are others; numbers as they are, the rest as bits
// include lib/place
@group(0) @binding(0) var<uniform> place: Place;
struct Params {
  channels: u32,
  x_at: u32,
  x_stride: u32,
  /** 0: of logits; else so many parts are put together. */
  parts: u32,
}
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> x: array<f32>;
@group(0) @binding(4) var<storage, read> parts: array<vec4<u32>>;

const THREADS = 64u;
const EACH = 16u;
struct Choice {
  greatest: f32,
  id: u32,
  least: f32,
  has_others: u32,
}
const NOBODY = 0xffffffffu;
var<workgroup> choices: array<Choice, THREADS>;

/** A choice without an id has seen no finite number. */
fn better(a: Choice, b: Choice) -> Choice {
  if (a.id == NOBODY || b.id == NOBODY) {
    var only = a;
    if (a.id == NOBODY) {
      only = b;
    }
    only.has_others = a.has_others | b.has_others;
    return only;
  }
  var chosen = a;
  if (b.greatest > a.greatest || (b.greatest == a.greatest && b.id < a.id)) {
    chosen = b;
  }
  chosen.least = min(a.least, b.least);
  chosen.has_others = a.has_others | b.has_others;
  return chosen;
}

/** Seen by its bits: a shader may assume that there is no infinity and no NaN. */
fn choice_of(id: u32) -> Choice {
  let value = x[4u * (params.x_at + place.first_row * params.x_stride) + id];
  if ((bitcast<u32>(value) & 0x7f800000u) == 0x7f800000u) {
    return Choice(0.0, NOBODY, 0.0, 1u);
  }
  return Choice(value, id, value, 0u);
}

fn choice_in(part: vec4<u32>) -> Choice {
  return Choice(bitcast<f32>(part.x), part.y, bitcast<f32>(part.z), part.w);
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  var own = Choice(0.0, NOBODY, 0.0, 0u);
  if (params.parts == 0u) {
    let first = THREADS * EACH * workgroup.x + thread;
    for (var id = first; id < min(first + THREADS * EACH, params.channels); id += THREADS) {
      own = better(own, choice_of(id));
    }
  } else {
    for (var i = thread; i < params.parts; i += THREADS) {
      own = better(own, choice_in(parts[i]));
    }
  }
  choices[thread] = own;
  workgroupBarrier();
  if (thread == 0u) {
    for (var i = 1u; i < THREADS; i++) {
      own = better(own, choices[i]);
    }
    out[workgroup.x] = vec4<u32>(bitcast<u32>(own.greatest), own.id, bitcast<u32>(own.least), own.has_others);
  }
}
