//! The one integration binary.

mod collect;
mod double;
mod serve;
mod tidy;
