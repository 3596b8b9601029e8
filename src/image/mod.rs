//! Images: their addresses, and what is asked of them. Pure: no I/O, no clock, no settings.

pub mod accept;
pub mod address;
pub mod ask;
pub mod colour;
pub mod delivery;
pub mod geometry;
pub mod kind;
pub mod options;
pub mod secret;
pub mod source;
pub mod xml;
