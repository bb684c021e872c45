//! The one integration binary.

mod checks;
mod tidy;
