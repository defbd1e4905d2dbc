// Values in between: written to `inner` where a run is tapped, by the kernel that makes them anyway.
/** Of a value that is not there. */
const NOWHERE = 0xffffffffu;

/** Four channels of the value that lies at `at`. */
fn show(at: u32, quad: u32, value: vec4<f32>) {
  if (place.is_tapped == 1u && at != NOWHERE) {
    inner[at + quad] = value;
  }
}
