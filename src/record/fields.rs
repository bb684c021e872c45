//! Fields of a record.
//!
//! Repeated keys are kept in order (`caller=` stands twice in lines bridged from slog).
