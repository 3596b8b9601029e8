//! The only code that knows TOML and the environment.
