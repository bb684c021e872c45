//! The one integration binary.

mod checks;
mod cli;
mod collect;
mod double;
mod faults;
mod limits;
mod lines;
mod patterns;
mod properties;
mod schema;
mod serve;
mod tidy;
