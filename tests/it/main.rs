//! The one integration binary.

mod faults;
mod limits;
mod tidy;
