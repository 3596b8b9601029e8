//! Servers as child processes: started on one core, and ended.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;

const START_TIMEOUT: Duration = Duration::from_secs(10);
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// A server, ended when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) addr: SocketAddr,
}

impl Server {
    /// Runs `command` and waits until it accepts connections at `addr`. What it writes to standard
    /// error goes to `log`.
    pub(crate) fn start(
        mut command: Command,
        addr: SocketAddr,
        log: &Path,
    ) -> anyhow::Result<Self> {
        let log = fs::File::create(log)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("{command:?} can't be started"))?;
        let mut server = Self { child, addr };
        let begun = Instant::now();
        while TcpStream::connect(addr).is_err() {
            if let Some(status) = server.child.try_wait()? {
                anyhow::bail!("{command:?} ended at once: {status}");
            }
            anyhow::ensure!(
                begun.elapsed() < START_TIMEOUT,
                "{command:?} does not listen"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    /// Starts the service, as `command`, with this configuration, which goes without `[server]`
    /// and `[log]`. Configuration and log are in `directory`.
    pub(crate) fn feedwright(
        mut command: Command,
        directory: &Path,
        log_level: &str,
        toml: &str,
    ) -> anyhow::Result<Self> {
        let addr = free_addr()?;
        let config = directory.join("feedwright.toml");
        let head = format!("[server]\nlisten = \"{addr}\"\n[log]\nlevel = \"{log_level}\"\n");
        fs::write(&config, head + toml)?;
        command.args(["serve", "--config"]).arg(config);
        if !toml.contains("[store]") {
            // Below the directory that goes with the measurement.
            command.env("FEEDWRIGHT_STORE_PATH", directory.join("data"));
        }
        Self::start(command, addr, &directory.join("feedwright.log"))
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // nginx's worker outlives a master that is killed: ask first.
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().ok();
        let begun = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && begun.elapsed() < END_TIMEOUT {
            std::thread::sleep(Duration::from_millis(10));
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The service's program.
pub(crate) const FEEDWRIGHT: &str = env!("CARGO_BIN_EXE_feedwright");

/// A loopback address that nobody listens on.
pub(crate) fn free_addr() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
