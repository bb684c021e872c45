//! Ranks the causes that best explain a ledger, and keeps the reasons.

pub mod calibrate;
pub mod checks;
pub mod network;
pub mod solve;
