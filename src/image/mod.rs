//! The built-in image proxy, as far as its addresses go. Pure: no I/O, no clock, no settings.

pub mod address;
pub mod options;
pub mod secret;
