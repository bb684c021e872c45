//! Ranks the causes that best explain a ledger, and keeps the reasons.

pub mod network;
