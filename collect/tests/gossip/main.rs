//! The agent's membership: in made-up networks on a made-up clock, against made-up packets, and over real sockets.

mod cluster;
mod hostile;
#[path = "../support/quick.rs"]
mod quick;
mod sim;
mod sockets;
