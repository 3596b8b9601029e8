//! The `feedwright` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    feedwright::cli::main()
}
