//! llamapool-worker.

fn main() {}
