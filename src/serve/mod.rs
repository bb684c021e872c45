//! Takes alerts in, gives reports out.

pub mod alert;
pub mod clock;
pub mod store;
