//! Stub.
use std::net::SocketAddr;
/// x
pub struct Publisher;
impl Publisher {
    /// x
    pub async fn start() -> std::io::Result<Self> {
        Ok(Self)
    }
    /// x
    pub fn addr(&self) -> SocketAddr {
        ([127, 0, 0, 1], 0).into()
    }
    /// x
    pub async fn run(self, _s: tokio_util::sync::CancellationToken) {}
}
/// x
pub fn configuration(_p: SocketAddr, _u: &str) -> String {
    String::new()
}
/// x
pub fn greeting(_p: SocketAddr, _s: &crate::config::Settings) -> String {
    String::new()
}
