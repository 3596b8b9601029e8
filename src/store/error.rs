//! Errors of the disk and of the database on it, and which of them mean damage.

use std::io;

use rusqlite::ErrorCode;

/// The database, or a file beside it, can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database.
    #[error("{0}")]
    Database(#[from] rusqlite::Error),
    /// A file.
    #[error("{0}")]
    File(#[from] io::Error),
}

impl Error {
    /// Whether the database is damaged, rather than the disk full, busy or gone.
    pub(super) fn is_damage(&self) -> bool {
        matches!(self, Self::Database(error) if is_damage(error))
    }
}

/// Whether the database file is damaged, rather than the disk full, busy or gone.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

/// Whether a column holds a value that we never write: another type, a number out of range, or text that
/// is not UTF-8.
pub(super) fn is_bad_value(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..)
    )
}
