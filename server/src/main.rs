//! llamapool-server.

fn main() {}
