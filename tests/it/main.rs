//! All integration tests in one binary.

mod support;

mod activation;
mod agents;
mod authoring;
mod cli;
mod demo;
mod docs;
mod faults;
mod formats;
mod guide;
mod http;
mod journal;
mod kinds;
mod lab;
mod languages;
mod metrics;
mod operator;
mod packs;
mod prometheus;
mod reload;
mod roles;
mod run;
mod sandbox;
mod saves;
mod simulate;
mod tidy;
mod wire;
