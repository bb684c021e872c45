//! The one integration binary.

mod cli;
mod patterns;
mod properties;
mod schema;
mod tidy;
