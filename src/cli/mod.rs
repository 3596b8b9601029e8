//! The command line: args → settings → tracing → bind → run → drain.
//!
//! Exit codes: 0 done, 1 it failed, 2 the configuration or the command line is wrong.

mod archive;
mod cache;
mod explain;
mod export;
mod extract;
mod import;
mod logs;
mod open_files;
mod pages;
mod rewrite;
mod serve;
mod sign;
mod worker;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::archive::render::Format;
use crate::causes::chain;
use crate::config::{self, FeedSettings, Settings};
use crate::feed::encoding::http_charset;
use crate::fulltext::recipe::Recipe;
use crate::images::accept;
use crate::store::key::KeyError;
use crate::workers;

/// Read when no other file is named, if it is there.
const DEFAULT_CONFIG: &str = "config/feedwright.toml";

/// A self-hosted feed proxy: mirrors feeds, sends their images through an image proxy, caches
/// and serves them.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct ConfigFile {
    /// The configuration [default: config/feedwright.toml, if it is there]
    #[arg(long, value_name = "FILE", env = "FEEDWRIGHT_CONFIG")]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service
    Serve(ConfigFile),
    /// Show the main job with nothing to configure and no internet
    Demo {
        /// Where the demo listens
        #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
        listen: std::net::SocketAddr,
    },
    /// Read and validate the configuration
    Check {
        #[command(flatten)]
        file: ConfigFile,
        /// Print the JSON Schema of the configuration instead, for editors
        #[arg(long)]
        schema: bool,
    },
    /// Rewrite one document from standard input to standard output, as the service would
    Rewrite {
        #[command(flatten)]
        file: ConfigFile,
        /// The feed whose rules apply
        #[arg(long, value_name = "NAME")]
        feed: String,
        /// The URL the document came from [default: the feed's]
        #[arg(long, value_name = "URL")]
        url: Option<url::Url>,
        /// The Content-Type it came with, whose charset counts
        #[arg(long, value_name = "TEXT")]
        content_type: Option<String>,
        /// Say on standard error what was changed where, by which rule, and what was left and why
        #[arg(long, value_name = "FORM", num_args = 0..=1, default_missing_value = "text")]
        explain: Option<explain::Form>,
    },
    /// Print the signed URL of an image at our own image proxy
    Sign {
        #[command(flatten)]
        file: ConfigFile,
        /// The image's URL
        url: String,
        /// What is to be done with it, in weserv's words: "w=800&output=webp"
        #[arg(default_value = "")]
        options: String,
    },
    /// Write the items that are kept of a feed, the oldest first, to standard output
    Export(export::Export),
    /// List, show and purge what is stored
    #[command(subcommand)]
    Cache(cache::Command),
    /// Ask about the archive
    #[command(subcommand)]
    Archive(archive::Command),
    /// Put archived items back into what is kept of a feed (`keep_items`)
    Import {
        #[command(flatten)]
        file: ConfigFile,
        /// The feed whose items they are
        #[arg(long, value_name = "NAME")]
        feed: String,
        /// Of what format the files are [default: found out]
        #[arg(long, value_name = "FORMAT", value_parser = archive_format)]
        format: Option<Format>,
        /// Files, and directories of files
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Find the article on a page from standard input, and write it as HTML to standard output
    Extract {
        /// The URL the page came from
        #[arg(long, value_name = "URL")]
        url: url::Url,
        /// The Content-Type it came with, whose charset counts
        #[arg(long, value_name = "TEXT")]
        content_type: Option<String>,
    },
    /// Exit 0 when the local service is healthy
    Healthcheck(ConfigFile),
    /// Work for a service that started it, on untrusted content
    #[command(hide = true, name = workers::COMMAND)]
    Worker {
        /// What the work is on
        kind: String,
        /// Bytes of memory that it may ever take
        bytes_max: u64,
    },
}

/// Runs the command line.
#[must_use]
pub fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            print_error(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Demo { listen } => serve::demo(listen),
        Command::Worker { kind, bytes_max } => Ok(worker::worker(&kind, bytes_max)),
        Command::Serve(file) => {
            with_settings(&file, |settings| serve::serve(settings, config_path(&file)))
        }
        Command::Healthcheck(file) => {
            with_settings(&file, |settings| serve::healthcheck(&settings))
        }
        Command::Check { schema: true, .. } => {
            let mut out = std::io::stdout().lock();
            writeln!(out, "{:#}", config::schema())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Check { file, .. } => with_settings(&file, |settings| {
            print_checked(&file, &settings)?;
            Ok(ExitCode::SUCCESS)
        }),
        Command::Cache(command) => {
            let Some(settings) = load(command.file()) else {
                return Ok(ExitCode::from(2));
            };
            cache::run(&settings, command)
        }
        Command::Archive(archive::Command::Why(why)) => {
            with_settings(&why.file, |settings| archive::why(&settings, &why))
        }
        Command::Export(export) => {
            let Some(settings) = load(&export.file) else {
                return Ok(ExitCode::from(2));
            };
            export::run(settings, &export)
        }
        Command::Sign { file, url, options } => {
            with_settings(&file, |settings| sign::sign(settings, &url, &options))
        }
        Command::Import {
            file,
            feed,
            format,
            paths,
        } => with_settings(&file, |settings| {
            import::import(&settings, &feed, format, &paths)
        }),
        Command::Extract { url, content_type } => {
            extract::extract(&Recipe::default(), url, content_type.as_deref())
        }
        Command::Rewrite {
            file,
            feed,
            url,
            content_type,
            explain,
        } => with_settings(&file, |settings| {
            let charset = http_charset(content_type.as_deref());
            rewrite::rewrite(settings, &feed, (url, charset), explain)
        }),
    }
}

fn archive_format(name: &str) -> Result<Format, String> {
    Format::of_name(name).ok_or_else(|| {
        let names = Format::ALL.map(Format::name);
        format!("there are {}", names.join(", "))
    })
}

/// Does `work` with the settings; exit code 2, after every problem was printed, when they are wrong.
fn with_settings(
    file: &ConfigFile,
    work: impl FnOnce(Settings) -> anyhow::Result<ExitCode>,
) -> anyhow::Result<ExitCode> {
    match load(file) {
        Some(settings) => work(settings),
        None => Ok(ExitCode::from(2)),
    }
}

/// The settings, or `None` after every problem was printed.
fn load(file: &ConfigFile) -> Option<Settings> {
    match config::load(config_path(file).as_deref(), config::variables()) {
        Ok(settings) => Some(settings),
        Err(problems) => {
            print_error(&problems.to_string());
            None
        }
    }
}

/// The feed of this name, or `None` after it was said which ones there are.
fn find_feed<'a>(settings: &'a Settings, name: &str) -> Option<&'a FeedSettings> {
    let feeds = &settings.feeds;
    let found = feeds.iter().find(|feed| feed.name.as_str() == name);
    if found.is_none() {
        let names: Vec<_> = feeds.iter().map(|feed| feed.name.as_str()).collect();
        let known = names.join(", ");
        print_error(&format!(
            "error: no feed is called `{name}`; there are: {known}"
        ));
    }
    found
}

fn config_path(file: &ConfigFile) -> Option<PathBuf> {
    let default = Path::new(DEFAULT_CONFIG);
    file.config
        .clone()
        .or_else(|| default.exists().then(|| default.to_owned()))
}

fn print_checked(file: &ConfigFile, settings: &Settings) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match config_path(file) {
        Some(path) => write!(out, "{}: valid", path.display())?,
        None => write!(out, "no configuration file: the defaults are valid")?,
    }
    let count = settings.feeds.len();
    writeln!(out, ", {count} feed{}", if count == 1 { "" } else { "s" })?;
    for feed in &settings.feeds {
        writeln!(out, "  {} → {}", feed.rules.self_url, feed.upstream.url)?;
    }
    for warning in settings.warnings() {
        print_error(&format!("warning: {warning}"));
    }
    for lack in accept::lacks() {
        print_error(&format!("note: {lack}"));
    }
    Ok(())
}

fn warn_of_lost_key(reason: Option<&KeyError>) {
    let reason = reason.map_or_else(
        || "nothing is kept (`[store] path` is empty)".to_owned(),
        |reason| chain(reason),
    );
    print_error(&format!(
        "warning: {reason}: this key signs no address that another start knows"
    ));
}

/// Ignores that standard error may be closed.
fn print_error(text: &str) {
    let mut out = std::io::stderr().lock();
    writeln!(out, "{}", text.trim_end()).ok();
}
