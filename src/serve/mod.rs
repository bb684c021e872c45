//! Takes alerts in, gives reports out.

pub mod alert;
mod app;
pub mod clock;
mod cluster;
pub mod config;
mod finding;
pub mod log;
pub mod look;
mod metrics;
pub mod source;
pub mod store;
mod worker;
