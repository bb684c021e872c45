//! Renders a diagnosis, with its remedies filled in, for people and machines.

pub mod model;
