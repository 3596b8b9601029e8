//! Processing of images: decoding, rotating, cropping, resizing, colouring, encoding.
//!
//! Everything here is plain computation on bytes, to be run off the async threads.
//!
//! Invariants: sizes, frames and bytes are checked from headers before anything is decoded; no
//! input causes a panic; the deadline is checked between any two steps and any two frames.

mod adjust;
mod blur;
mod canvas;
mod decode;
mod decoded;
mod encode;
mod error;
pub mod fonts;
pub mod job;
mod lab;
mod limits;
mod make;
mod mask;
mod profile;
mod resize;
mod rotate;
mod salience;
mod trim;
mod weight;

pub use canvas::Canvas;
pub use decode::{ImageHead, inspect};
pub use encode::{EncodedImage, Quality};
pub use error::ProcessingError;
pub use limits::{IsLate, PixelLimits};
pub use make::make;
