//! The one integration binary.

mod cli;
mod lines;
mod patterns;
mod properties;
mod schema;
mod checks;
mod faults;
mod limits;
mod collect;
mod double;
mod serve;
mod tidy;
