//! The C library's resolver: it blocks, so that each lookup has a thread.
//!
//! Invariant: a thread holds its slot until it ends, whoever gave up waiting for it. There are
//! never more threads than slots.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::sync::Arc;

use tokio::sync::oneshot;

use super::slots::LookupSlot;
use super::{ADDRESSES_MAX, Outcome, failure};

/// Modules of `nsswitch.conf` run on it. Memory that isn't touched is not taken.
const STACK_BYTES: usize = 1 << 20;

/// Asks for a name, as long as it takes.
pub(super) async fn ask(name: &str, slot: LookupSlot) -> Outcome {
    let (tell, told) = oneshot::channel();
    let name = name.to_owned();
    let started = std::thread::Builder::new()
        .name("lookup".into())
        .stack_size(STACK_BYTES)
        .spawn(move || {
            let found = (name.as_str(), 0).to_socket_addrs();
            tell.send(
                found.map(|found| found.map(|found| found.ip()).take(ADDRESSES_MAX).collect()),
            )
            .ok();
            drop(slot);
        });
    let failed = |error: io::Error| failure(error.kind(), &error.to_string());
    started.map_err(failed)?;
    let told = told
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
    told.map(|found: Vec<IpAddr>| Arc::from(found))
        .map_err(failed)
}
