//! The one integration binary.

#![allow(clippy::unwrap_used)]

mod checks;
mod cli;
mod collect;
mod double;
mod faults;
mod fuzzed;
mod grow;
mod kept;
mod large;
mod limits;
mod lines;
mod live;
mod patterns;
mod properties;
mod schema;
mod serve;
mod tidy;
