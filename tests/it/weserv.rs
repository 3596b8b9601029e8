//! weserv's own test images, where they are at hand (`FEEDTEST_WESERV=FOLDER`): a table of what
//! each query makes of each image, without the pixels, which are libvips'.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use feedwright::images::accept::AVIF_IS_WRITTEN;
use feedwright::images::format::ImageFormat;
use feedwright::images::processing::{EncodedImage, ProcessingError};
use image::AnimationDecoder;

use crate::images::process;

/// Rows that do not come out as in weserv, each with the reason; what stands here and passes is
/// an error too, so that the list stays true.
const EXPECTED: &[(&str, &str)] = include!("weserv/differences.in");

/// What a row asks for and expects.
struct Row {
    name: String,
    fixture: String,
    query: String,
    width: Option<u32>,
    height: Option<u32>,
    format: String,
    bands: Option<u32>,
    alpha: String,
    status: String,
    other: String,
}

fn rows(table: &str) -> Vec<Row> {
    let rows = table.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split('\t').map(str::trim).collect();
        let cell = |index: usize| cells.get(index).copied().unwrap_or_default().to_owned();
        Row {
            name: format!("{}: {}", cell(0).rsplit('/').next().unwrap(), cell(1)),
            fixture: cell(2),
            query: cell(3),
            width: cell(4).parse().ok(),
            height: cell(5).parse().ok(),
            format: cell(6),
            bands: cell(7).parse().ok(),
            alpha: cell(8),
            status: cell(10),
            other: cell(12),
        }
    });
    rows.collect()
}

/// Size of the first frame, channels, frames.
fn look(made: &EncodedImage) -> (u32, u32, u32, usize) {
    let decoded = match ImageFormat::of(&made.bytes) {
        Some(ImageFormat::Avif) => process(&made.bytes, "output=png").unwrap().bytes,
        _ => made.bytes.clone(),
    };
    let image = image::load_from_memory(&decoded).unwrap();
    let frames = match ImageFormat::of(&made.bytes) {
        Some(ImageFormat::Gif) => {
            let decoder = image::codecs::gif::GifDecoder::new(std::io::Cursor::new(&made.bytes));
            decoder.unwrap().into_frames().count()
        }
        _ => 1,
    };
    (
        image.width(),
        image.height(),
        u32::from(image.color().channel_count()),
        frames,
    )
}

fn judge_error(row: &Row, message: &str) -> Result<(), String> {
    let wanted = match row.status.split(' ').next_back().unwrap() {
        "InvalidImage" => "Invalid or unsupported",
        "ImageTooLarge" if row.name.contains("output") => "Output image exceeds pixel limit",
        "ImageTooLarge" if row.name.contains("pages") => "maximum number of pages",
        "ImageTooLarge" => "Input image exceeds pixel limit",
        "ImageNotReadable" => "not readable",
        other => return Err(format!("unknown status {other}")),
    };
    if message.contains(wanted) {
        Ok(())
    } else {
        Err(message.to_owned())
    }
}

/// What is wrong, if anything is.
fn judge(row: &Row, made: Result<EncodedImage, ProcessingError>) -> Result<(), String> {
    let wants_error = !row.status.is_empty() && row.status != "200";
    let made = match made {
        Err(error) if wants_error => return judge_error(row, &error.to_string()),
        Err(error) => return Err(error.to_string()),
        Ok(_) if wants_error => return Err("there is an image".into()),
        Ok(made) => made,
    };
    if made.media_type == "application/json" {
        let json = String::from_utf8(made.bytes).unwrap();
        let wanted = row
            .other
            .split("R\"(")
            .skip(1)
            .filter_map(|part| part.split(")\"").next());
        let missing: Vec<_> = wanted
            .filter(|part| !json.contains(part.trim_end_matches(',')))
            .collect();
        return if missing.is_empty() {
            Ok(())
        } else {
            Err(format!("{missing:?} is not in {json}"))
        };
    }
    let (width, height, channels, _) = look(&made);
    let page_height = row
        .other
        .split("page_height(get_image()) == ")
        .nth(1)
        .and_then(|n| n.trim().parse().ok());
    let mut wrong = Vec::new();
    if row.width.is_some_and(|wanted| wanted != width) {
        wrong.push(format!("width {width}"));
    }
    if row
        .height
        .or(page_height)
        .is_some_and(|wanted| wanted != height)
    {
        wrong.push(format!("height {height}"));
    }
    let format = match made.extension {
        "jpg" => "jpeg",
        "avif" => "heif",
        other => other,
    };
    if !row.format.is_empty() && row.format != format {
        wrong.push(format!("format {format}"));
    }
    // An image that is opaque where weserv keeps an alpha channel of 255 differs in bands only.
    if row.bands.is_some_and(|wanted| wanted != channels) {
        wrong.push(format!("{channels} channels"));
    }
    if row.alpha == "y" && channels % 2 != 0 || row.alpha == "n" && channels % 2 == 0 {
        wrong.push(format!("{channels} channels"));
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join(", "))
    }
}

/// Rows whose image or query stands in the code of weserv's tests.
fn fill(row: &mut Row) -> Option<Vec<u8>> {
    let (name, svg) = (row.name.clone(), |width: u32, height: u32| {
        Some(
            format!("<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}'/>")
                .into_bytes(),
        )
    });
    if row.name.contains("unit-crop.cpp") && row.fixture.is_empty() {
        row.fixture = "2569067123_aca715a2ee_o.jpg".into();
    }
    match name.as_str() {
        _ if name.contains("invalid image") => Some(b"<!DOCTYPE html>".to_vec()),
        _ if name.contains("unreadable image / buffer") => Some(b"GIF89a".to_vec()),
        _ if name.ends_with("at least 1 pixel / height") => svg(10, 2),
        _ if name.ends_with("at least 1 pixel / width") => svg(2, 10),
        _ if name.ends_with("at least 1 pixel / shrink-on-load") => svg(1, 10),
        _ => None,
    }
}

/// The queries of a row: several where it compares sizes, or loops.
fn queries(row: &Row) -> Vec<(String, Option<(u32, u32)>)> {
    let plain = |query: &str| vec![(query.to_owned(), None)];
    if row.name.ends_with("by 90 multiple angle") {
        return [-3690, -450, -90, 90, 450, 3690]
            .map(|ro| (format!("ro={ro}"), None))
            .to_vec();
    }
    if row.name.ends_with("by 180 multiple angle") {
        return [-3780, -540, 0, 180, 540, 3780]
            .map(|ro| (format!("ro={ro}"), None))
            .to_vec();
    }
    if row.name.ends_with("by 30-multiple angle") {
        return [-3750, -510, -150, 30, 390, 3630]
            .map(|ro| (format!("ro={ro}"), None))
            .to_vec();
    }
    if row.name.ends_with("auto rotate / landscape") {
        return plain("w=320");
    }
    if row.name.contains("crop positions") {
        let places = [
            "top-left",
            "top",
            "top-right",
            "left",
            "center",
            "",
            "right",
            "bottom-left",
            "bottom",
            "bottom-right",
            "t",
            "l",
            "r",
            "b",
            "focal",
            "focal-0-100",
            "focal&fpx=1&fpy=0.5",
        ];
        let sizes = [(320, 80), (80, 320)];
        let all = places.iter().flat_map(|place| {
            sizes.map(|(w, h)| (format!("w={w}&h={h}&fit=cover&a={place}"), Some((w, h))))
        });
        return all.collect();
    }
    plain(&row.query.replace("<UNIX_EPOCH>", "1700000000"))
}

fn folder() -> Option<PathBuf> {
    std::env::var_os("FEEDTEST_WESERV").map(PathBuf::from)
}

fn run(row: &mut Row, fixtures: &Path) -> Result<(), String> {
    let bytes = match fill(row) {
        Some(bytes) => bytes,
        None => std::fs::read(fixtures.join(&row.fixture))
            .map_err(|_| format!("no image `{}`", row.fixture))?,
    };
    if row.query.contains(" | ") {
        let made = row
            .query
            .split(" | ")
            .map(|query| process(&bytes, query).map(|made| made.bytes.len()));
        let sizes: Vec<usize> = made
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())?;
        let wants_less_first = !row.other.contains("without_af");
        let is_ordered = sizes.is_sorted_by(|a, b| (a < b) == wants_less_first);
        return if is_ordered {
            Ok(())
        } else {
            Err(format!("sizes {sizes:?}"))
        };
    }
    for (query, size) in queries(row) {
        if let Some((width, height)) = size {
            (row.width, row.height) = (Some(width), Some(height));
        }
        judge(row, process(&bytes, &query)).map_err(|wrong| format!("{query}: {wrong}"))?;
    }
    Ok(())
}

#[test]
fn rows_come_out_as_in_weserv() {
    let Some(folder) = folder() else {
        eprintln!("FEEDTEST_WESERV is not set");
        return;
    };
    let table = std::fs::read_to_string(folder.join("conformance.tsv")).unwrap();
    let mut rows = rows(&table);
    rows.retain(|row| !row.name.contains("unit-status.cpp"));
    if !AVIF_IS_WRITTEN {
        rows.retain(|row| !row.query.contains("output=avif"));
    }
    let fixtures = folder.join("fixtures");
    let count = rows.len();
    let (rows, failed) = (Mutex::new(rows), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(mut row) = { rows.lock().unwrap().pop() } {
                    if let Err(wrong) = run(&mut row, &fixtures) {
                        failed.lock().unwrap().insert(row.name, wrong);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    println!("{} of {} rows as in weserv", count - failed.len(), count);
    let mut surprises = Vec::new();
    for (name, wrong) in &failed {
        match EXPECTED.iter().find(|(expected, _)| expected == name) {
            Some((_, reason)) => println!("differs: {name}: {wrong} ({reason})"),
            None => surprises.push(format!("{name}: {wrong}")),
        }
    }
    let mended = EXPECTED
        .iter()
        .filter(|(name, _)| !failed.contains_key(*name));
    surprises.extend(mended.map(|(name, _)| format!("{name}: comes out, but is listed")));
    assert!(surprises.is_empty(), "{}", surprises.join("\n"));
}
