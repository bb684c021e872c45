//! The lines of the checklists, one function each (`operations` of the runbook: §§ 1, 2, 5).

pub(super) mod blocks;
pub(super) mod capacity;
pub(super) mod fleet;
pub(super) mod lines;
pub(super) mod pods;
pub(super) mod ring;
pub(super) mod tsdb;
pub(super) mod uploads;
pub(super) mod writes;
