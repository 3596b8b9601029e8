//! The integration tests, as one binary.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

mod origin;
mod ssrf;
mod upstream;
