// Which rows of the present chunk an op runs on, where the chunk stands in the sequence, and whether values in between are wanted.
struct Place {
  first_row: u32,
  row_count: u32,
  /** Position in the sequence of row 0 of the chunk. */
  first_position: u32,
  is_tapped: u32,
}
