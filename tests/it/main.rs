//! All integration tests in one binary.

mod support;

mod activation;
mod authoring;
mod cli;
mod demo;
mod docs;
mod faults;
mod guide;
mod http;
mod journal;
mod kinds;
mod lab;
mod languages;
mod operator;
mod reload;
mod run;
mod sandbox;
mod saves;
mod tidy;
mod wire;
