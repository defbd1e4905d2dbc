// Which rows of the present chunk an op runs on, and where the chunk stands in the sequence.
struct Place {
  first_row: u32,
  row_count: u32,
  /** Position in the sequence of row 0 of the chunk. */
  first_position: u32,
  padding: u32,
}
