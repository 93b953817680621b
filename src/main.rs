//! Command line (see cli/).
fn main() {}
