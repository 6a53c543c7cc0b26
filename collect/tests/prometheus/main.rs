//! The Prometheus source against a real `prometheus`, where that is installed, and against a server that misbehaves.

mod misbehaving;
mod real;
mod source;
mod support;
