//! sharp in a process of its own, told what to make line by line.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::Context;
use serde_json::{Value, json};

use crate::{Job, WIDTH};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/image/sharp.mjs");

/// Ends when dropped.
pub(crate) struct Sharp {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    into: PathBuf,
}

impl Sharp {
    /// The sharp that was installed in `folder`.
    pub(crate) fn start(folder: &Path, work: &Path) -> anyhow::Result<Self> {
        let mut child = Command::new("node")
            .arg(SCRIPT)
            .arg(fs::canonicalize(folder)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("node can't be started")?;
        let input = child.stdin.take().context("no way in")?;
        let output = child.stdout.take().context("no way out")?;
        Ok(Self {
            child,
            input,
            output: BufReader::new(output),
            into: work.join("sharp"),
        })
    }

    /// CPU seconds that it took, and the image.
    pub(crate) fn make(
        &mut self,
        file: &Path,
        job: &Job,
        quality: u8,
    ) -> anyhow::Result<(f64, Vec<u8>)> {
        let options = match job.output {
            "png" => json!({}),
            "webp" => json!({ "quality": quality, "effort": job.effort }),
            _ => json!({ "quality": quality }),
        };
        let told = json!({
            "file": file, "width": WIDTH, "output": job.output, "options": options, "into": self.into,
        });
        writeln!(self.input, "{told}")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let said: Value = serde_json::from_str(&line).context("sharp has ended")?;
        let seconds = said["seconds"].as_f64().context("sharp says no time")?;
        Ok((seconds, fs::read(&self.into)?))
    }
}

impl Drop for Sharp {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
