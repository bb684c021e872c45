//! Tests of `report`.

#![allow(clippy::unwrap_used)]

mod escape;
mod remedy;
mod render;
mod samples;
mod words;
