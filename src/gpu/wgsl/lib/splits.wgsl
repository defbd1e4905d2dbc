// How the positions that a query sees are cut: at multiples of 64, so that a result does not depend on where its window begins.
const SPLIT = 64u;

/** The first position that is seen from there; a window of 0 is none. */
fn first_seen(position: u32, window: u32) -> u32 {
  return select(0u, position + 1u - min(window, position + 1u), window > 0u);
}
