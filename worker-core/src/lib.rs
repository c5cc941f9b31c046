//! Everything a worker does, and the tunnel that both ends speak.
