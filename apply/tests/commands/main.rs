//! Real processes, pipes and sockets: what commands can do and what they cannot, and that an end comes in any case.

mod confined;
mod ended;
mod health;
mod hostile;
mod runs;
mod site;
