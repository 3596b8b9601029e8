//! Outcome `rewrite --explain` prints: one note a change or a skip, as text or as JSON lines.

use std::io::{self, Write};

use serde_json::json;

use crate::rewrite::explain::{Note, Outcome};

/// How notes are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Form {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Prints notes as they come, and in the end how many there were.
pub(super) struct Explanation<W: Write> {
    form: Form,
    out: W,
    changed: usize,
    left: usize,
    items_dropped: usize,
    not_shown: usize,
}

impl<W: Write> Explanation<W> {
    pub(super) fn new(form: Form, out: W) -> Self {
        Self {
            form,
            out,
            changed: 0,
            left: 0,
            items_dropped: 0,
            not_shown: 0,
        }
    }

    /// Prints these notes; so many more were not kept.
    pub(super) fn print(&mut self, (notes, not_shown): (Vec<Note>, usize)) -> io::Result<()> {
        self.not_shown += not_shown;
        for note in notes {
            match note.outcome {
                Outcome::Changed { .. } => self.changed += 1,
                Outcome::Left { .. } => self.left += 1,
                Outcome::Dropped { .. } => self.items_dropped += 1,
            }
            match self.form {
                Form::Text => print_text(&mut self.out, &note)?,
                Form::Json => print_json(&mut self.out, &note)?,
            }
        }
        Ok(())
    }

    /// Prints how many there were.
    pub(super) fn finish(mut self) -> io::Result<()> {
        let (changed, left, items) = (self.changed, self.left, self.items_dropped);
        if self.form == Form::Json {
            let sums = json!({
                "changed": changed,
                "left": left,
                "items_dropped": items,
                "not_shown": self.not_shown,
            });
            return writeln!(self.out, "{sums}");
        }
        write!(self.out, "{changed} changed, {left} left")?;
        if items > 0 {
            write!(self.out, ", {items} items dropped")?;
        }
        if self.not_shown > 0 {
            write!(self.out, ", {} more not shown", self.not_shown)?;
        }
        writeln!(self.out)
    }
}

fn print_text(out: &mut impl Write, note: &Note) -> io::Result<()> {
    match note.item {
        Some(item) => write!(out, "item {item}")?,
        None => write!(out, "feed")?,
    }
    if !note.field.is_empty() {
        write!(out, ", {}", note.field)?;
    }
    if !note.element.is_empty() {
        write!(out, " > {}", note.element)?;
    }
    if !note.attribute.is_empty() {
        write!(out, "[{}]", note.attribute)?;
    }
    match &note.outcome {
        Outcome::Changed { before, after } => {
            write!(out, ": {}", note.rule)?;
            if note.fault.is_empty() {
                writeln!(out)?;
            } else {
                writeln!(out, " ({})", note.fault)?;
            }
            if !before.is_empty() {
                writeln!(out, "  - {}", one_line(before))?;
            }
            if !after.is_empty() {
                writeln!(out, "  + {}", one_line(after))?;
            }
        }
        Outcome::Dropped { title, reason } => {
            writeln!(out, ": dropped by {}: {}", note.rule, one_line(reason))?;
            if !title.is_empty() {
                writeln!(out, "  - {}", one_line(title))?;
            }
        }
        Outcome::Left { text, reason } => {
            write!(out, ": left by {}: ", note.rule)?;
            if !note.fault.is_empty() {
                write!(out, "{}: ", note.fault)?;
            }
            writeln!(out, "{reason}")?;
            if !text.is_empty() {
                writeln!(out, "    {}", one_line(text))?;
            }
        }
    }
    Ok(())
}

/// SECURITY: a publisher's text must not move the cursor of a terminal.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() {
            line.extend(letter.escape_default());
        } else {
            line.push(letter);
        }
    }
    line
}

fn print_json(out: &mut impl Write, note: &Note) -> io::Result<()> {
    let mut object = json!({
        "item": note.item,
        "field": note.field,
        "element": note.element,
        "attribute": note.attribute,
        "rule": note.rule,
    });
    if !note.fault.is_empty() {
        object["fault"] = json!(note.fault);
    }
    match &note.outcome {
        Outcome::Changed { before, after } => {
            object["before"] = json!(before);
            object["after"] = json!(after);
        }
        Outcome::Dropped { title, reason } => {
            object["dropped"] = json!(title);
            object["reason"] = json!(reason);
        }
        Outcome::Left { text, reason } => {
            object["left"] = json!(text);
            object["reason"] = json!(reason);
        }
    }
    writeln!(out, "{object}")
}
