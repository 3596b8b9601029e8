//! AVIF images come in: every depth, subsampling, matrix and turn, and files that mean harm.
//!
//! The images beside this file were written by avifenc 0.11: four colours in four quarters, the
//! right half of those with transparency at 96 of 255. Their names say what is special about them.

use feedwright::images::accept::AVIF_IS_WRITTEN;
use feedwright::images::options::UrlOptions;
use feedwright::images::processing::{PixelLimits, ProcessingError, inspect};
use feedwright::images::transform::ImageTransform;
use image::{ImageFormat, RgbaImage};

use super::{ask as ask_service, look, open, process, refused};
use crate::origin::{Origin, Reply};

/// Upper left, upper right, lower left, lower right.
const QUARTERS: [[u8; 3]; 4] = [[200, 40, 40], [40, 180, 60], [50, 60, 210], [220, 210, 60]];
/// What a lossy image may be off by.
const TOLERANCE: u8 = 12;

fn fixture(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/images/avif");
    std::fs::read(format!("{folder}/{name}.avif")).unwrap()
}

fn pixels(bytes: &[u8], query: &str) -> RgbaImage {
    let made = process(bytes, &format!("output=png&{query}")).unwrap();
    image::load_from_memory(&made.bytes).unwrap().into_rgba8()
}

/// The colours near the corners, in the order of `QUARTERS`.
fn corners(image: &RgbaImage) -> [[u8; 4]; 4] {
    let (width, height) = image.dimensions();
    let near = |x: u32, y: u32| image.get_pixel(width * x / 8, height * y / 8).0;
    [near(1, 1), near(7, 1), near(1, 7), near(7, 7)]
}

#[track_caller]
fn check_colours(name: &str, found: [[u8; 4]; 4], expected: [[u8; 3]; 4]) {
    for (found, expected) in found.iter().zip(expected) {
        let is_near = |(a, b): (&u8, u8)| a.abs_diff(b) <= TOLERANCE;
        assert!(
            found.iter().zip(expected).all(is_near),
            "{name}: {found:?}, not {expected:?}"
        );
    }
}

#[test]
fn every_depth_and_layout() {
    for name in [
        "d8-420",
        "d8-422",
        "d8-444",
        "d10-420",
        "d10-422",
        "d10-444",
        "d12-420",
        "d12-422",
        "d12-444",
        "lossless",
        "limited-709",
        "limited-2020-10",
        "full-2020",
        "ycgco",
        "sequence",
    ] {
        let image = pixels(&fixture(name), "");
        assert_eq!(image.dimensions(), (51, 35), "{name}");
        check_colours(name, corners(&image), QUARTERS);
    }
    let exact = corners(&pixels(&fixture("lossless"), ""));
    assert_eq!(exact.map(|[r, g, b, _]| [r, g, b]), QUARTERS);
    for name in ["d8-400", "d10-400", "d12-400"] {
        let bytes = fixture(name);
        let grey = QUARTERS.map(|[r, g, b]| {
            let light = 0.299 * f32::from(r) + 0.587 * f32::from(g) + 0.114 * f32::from(b);
            [light as u8; 3]
        });
        check_colours(name, corners(&pixels(&bytes, "")), grey);
        let json = process(&bytes, "output=json").unwrap().bytes;
        let json = String::from_utf8(json).unwrap();
        assert!(json.contains("\"space\":\"b-w\"") && json.contains("\"format\":\"heif\""));
    }
}

#[test]
fn transparency() {
    for (name, size) in [
        ("alpha", (51, 35)),
        ("premultiplied-10", (51, 35)),
        ("grid-alpha", (128, 128)),
    ] {
        let image = pixels(&fixture(name), "");
        assert_eq!(image.dimensions(), size, "{name}");
        let found = corners(&image);
        check_colours(name, found, QUARTERS);
        for (colour, alpha) in found.iter().zip([255_u8, 96, 255, 96]) {
            assert!(colour[3].abs_diff(alpha) <= 4, "{name}: {colour:?}");
        }
    }
}

#[test]
fn turned_mirrored_cut_and_in_tiles() {
    let upright = (51, 35);
    let on_its_side = (35, 51);
    for (name, size, order) in [
        ("turned-1", on_its_side, [1, 3, 0, 2]),
        ("turned-2", upright, [3, 2, 1, 0]),
        ("turned-3", on_its_side, [2, 0, 3, 1]),
        ("mirrored-0", upright, [2, 3, 0, 1]),
        ("mirrored-1", upright, [1, 0, 3, 2]),
        ("turned-1-mirrored-0", on_its_side, [0, 2, 1, 3]),
        ("turned-1-mirrored-1", on_its_side, [3, 1, 2, 0]),
        ("turned-2-mirrored-0", upright, [1, 0, 3, 2]),
        ("turned-2-mirrored-1", upright, [2, 3, 0, 1]),
        ("turned-3-mirrored-0", on_its_side, [3, 1, 2, 0]),
        ("turned-3-mirrored-1", on_its_side, [0, 2, 1, 3]),
        ("clap", (40, 20), [0, 1, 2, 3]),
        ("grid", (128, 128), [0, 1, 2, 3]),
    ] {
        let image = pixels(&fixture(name), "");
        assert_eq!(image.dimensions(), size, "{name}");
        check_colours(name, corners(&image), order.map(|at: usize| QUARTERS[at]));
    }
    // What is cut away is what the file says: 2 pixels at the left and above.
    let cut = pixels(&fixture("clap"), "");
    let [r, g, ..] = cut.get_pixel(24, 10).0;
    assert!(g > r, "{r} {g}");
    let [r, g, ..] = cut.get_pixel(22, 10).0;
    assert!(r > g, "{r} {g}");
    // Sizes are of what is seen.
    let small = pixels(&fixture("turned-1"), "w=20");
    assert_eq!(small.dimensions(), (20, 29));
    check_colours(
        "small",
        corners(&small),
        [1, 3, 0, 2].map(|at: usize| QUARTERS[at]),
    );
}

#[test]
fn wide_colours_become_ours() {
    for name in ["p3", "p3-profile", "bt2020"] {
        let [[red, ..], [_, green, ..], ..] = corners(&pixels(&fixture(name), ""));
        assert!(red > 205 && green > 181, "{name}: {red} {green}");
    }
}

/// Changes every size that a file says it has.
fn with_size(name: &str, (width, height): (u32, u32)) -> Vec<u8> {
    let mut bytes = fixture(name);
    let places: Vec<usize> = (0..bytes.len() - 4)
        .filter(|at| &bytes[*at..at + 4] == b"ispe")
        .collect();
    for at in places {
        bytes[at + 8..at + 12].copy_from_slice(&width.to_be_bytes());
        bytes[at + 12..at + 16].copy_from_slice(&height.to_be_bytes());
    }
    bytes
}

#[test]
fn the_head_is_judged_before_anything_is_decoded() {
    let limit = ProcessingError::InputPixels(PixelLimits::default().input_pixels_max);
    assert_eq!(
        process(&with_size("d8-420", (60_000, 60_000)), "w=9"),
        Err(limit.clone())
    );
    // Tiles that are too many together; and one pixel of a tile that has many.
    let mut grid = with_size("grid", (60_000, 60_000));
    let at = grid
        .windows(8)
        .position(|part| part == [0, 0, 1, 1, 0, 128, 0, 128])
        .unwrap();
    grid[at + 4..at + 8].copy_from_slice(&60_001_u16.to_be_bytes().repeat(2));
    assert_eq!(process(&grid, "w=9"), Err(limit.clone()));
    grid[at + 2..at + 8].copy_from_slice(&[0, 0, 0, 1, 0, 1]);
    assert_eq!(process(&grid, "w=9"), Err(ProcessingError::Unreadable));
    let references = grid.windows(4).position(|part| part == b"dimg").unwrap();
    grid[references + 6..references + 8].copy_from_slice(&[0, 1]);
    assert_eq!(process(&grid, "w=9"), Err(limit));
    // Sizes that are not the frame's.
    for size in [(51, 34), (52, 35), (1, 1), (510, 350)] {
        assert_eq!(
            process(&with_size("d8-420", size), "w=9"),
            Err(ProcessingError::Unreadable)
        );
    }
    assert_eq!(
        process(&with_size("d8-420", (0, 35)), "w=9"),
        Err(ProcessingError::Unreadable)
    );
    for huge in [u32::MAX, 1 << 31, 65_537] {
        let bytes = with_size("d8-420", (huge, huge));
        assert_eq!(process(&bytes, "w=9"), Err(ProcessingError::Unreadable));
    }
    // One that says its samples are fewer, or smaller, than they are.
    let mut heavy = fixture("d12-444");
    let at = heavy.windows(4).position(|part| part == b"av1C").unwrap();
    heavy[at + 6] = 0b0000_1100;
    assert_eq!(process(&heavy, "w=9"), Err(ProcessingError::Unreadable));
    // Weights: pixels in, planes twice, pixels out.
    let weight = |name: &str| {
        let ask = ImageTransform::of(UrlOptions::lenient("output=png").unwrap().pairs());
        inspect(&fixture(name))
            .unwrap()
            .weight_bytes(&ask, &PixelLimits::default())
            .unwrap()
    };
    let pixels = 51 * 35;
    assert_eq!(weight("d8-444"), pixels * (4 + 2 * 3 + 12));
    assert_eq!(weight("d12-444"), pixels * (4 + 2 * 6 + 12));
    assert_eq!(weight("d8-420"), pixels * (4 + 2 + 12) + 2 * 2 * 26 * 18);
    assert_eq!(weight("grid"), 128 * 128 * 16 + 2 * (64 * 64 * 3 / 2));
}

#[test]
fn a_film_has_a_still_image_or_none() {
    let mut bytes = fixture("d8-420");
    let place = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).position(|at| at == part);
    // A film's box before the others; the frame lies 8 bytes further on.
    let data = place(&bytes, b"mdat").unwrap() as u32 + 4;
    let offset = place(&bytes, &data.to_be_bytes()).unwrap();
    bytes[offset..offset + 4].copy_from_slice(&(data + 8).to_be_bytes());
    let meta = place(&bytes, b"meta").unwrap() - 4;
    bytes.splice(meta..meta, *b"\0\0\0\x08moov");
    check_colours("film", corners(&pixels(&bytes, "")), QUARTERS);
    bytes[meta + 12..meta + 16].copy_from_slice(b"free");
    assert!(matches!(
        process(&bytes, "w=9"),
        Err(ProcessingError::Unsupported(_))
    ));
}

#[test]
fn no_file_breaks_it() {
    for name in ["d8-420", "premultiplied-10"] {
        let whole = fixture(name);
        for length in (0..whole.len()).step_by(5) {
            assert!(process(&whole[..length], "w=9").is_err(), "{name} {length}");
        }
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= [0x01, 0x80, 0xff, 0x10][at % 4];
            let _ = process(&bytes, "w=9");
        }
    }
    for name in ["grid-alpha", "clap", "p3-profile", "turned-1-mirrored-0"] {
        let whole = fixture(name);
        for at in 0..whole.len() {
            let _ = inspect(&whole[..at]);
            for flip in [0x01, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                let _ = inspect(&bytes);
            }
        }
    }
}

#[test]
#[cfg(feature = "avif-encode")]
fn they_are_written() {
    for (name, query) in [
        ("d10-422", ""),
        ("alpha", "output=avif"),
        ("lossless", "q=95"),
        ("d8-400", "w=17"),
    ] {
        let made = process(&fixture(name), query).unwrap();
        assert_eq!((made.media_type, made.extension), ("image/avif", "avif"));
        let (written, plain) = (pixels(&made.bytes, ""), pixels(&fixture(name), query));
        assert_eq!(written.dimensions(), plain.dimensions(), "{name}");
        check_colours(
            name,
            corners(&written),
            corners(&plain).map(|[r, g, b, _]| [r, g, b]),
        );
        for (found, expected) in corners(&written).iter().zip(corners(&plain)) {
            assert!(found[3].abs_diff(expected[3]) <= 6, "{name}: {found:?}");
        }
    }
    for size in [(1, 1), (1, 300), (7, 2)] {
        let query = format!("w={}&h={}&fit=fill&output=avif", size.0, size.1);
        let made = process(&fixture("alpha"), &query).unwrap();
        assert_eq!(pixels(&made.bytes, "").dimensions(), size);
    }
    let sizes =
        ["q=20", "", "q=95"].map(|query| process(&fixture("d8-444"), query).unwrap().bytes.len());
    assert!(sizes.is_sorted() && sizes[0] < sizes[2], "{sizes:?}");
    // Too large to be made in time: what was AVIF becomes WebP, and what is to be AVIF is refused.
    let large = "w=2000&h=1200&fit=fill";
    let made = process(&fixture("d8-420"), large).unwrap();
    assert_eq!(made.media_type, "image/webp");
    let refused = process(&fixture("d8-420"), &format!("{large}&output=avif"));
    assert!(matches!(refused, Err(ProcessingError::Unsupported(why)) if why.contains("2100000")));
}

#[tokio::test]
async fn the_service_makes_them_into_others() {
    let origin = Origin::start(|request| {
        let name = request
            .split(" ")
            .nth(1)
            .unwrap()
            .trim_start_matches('/')
            .to_owned();
        Reply::ok(fixture(&name))
    })
    .await;
    let service = open(&origin, "").await;
    for (path, options, expected) in [
        ("/d8-420", "&w=20&output=jpg", (20, 14, ImageFormat::Jpeg)),
        ("/turned-1", "&w=20&output=png", (20, 29, ImageFormat::Png)),
        ("/alpha", "&output=auto", (51, 35, ImageFormat::Png)),
        ("/d10-422", "&output=auto", (51, 35, ImageFormat::Jpeg)),
        (
            "/grid-alpha",
            "&w=64&output=webp",
            (64, 64, ImageFormat::WebP),
        ),
    ] {
        let answer = ask_service(&service, &origin, path, options).await;
        assert_eq!(look(&answer), expected, "{path}{options}");
    }
    let small = ask_service(&service, &origin, "/grid", "&w=64").await;
    let kind = if AVIF_IS_WRITTEN { "avif" } else { "webp" };
    assert_eq!(small.header("content-type"), format!("image/{kind}"));
    assert_eq!(pixels(&small.body, "").dimensions(), (64, 64));
    let plain = ask_service(&service, &origin, "/d8-420", "").await;
    assert_eq!(
        (plain.header("content-type"), &plain.body),
        ("image/avif", &fixture("d8-420"))
    );
    let json = ask_service(&service, &origin, "/turned-1", "&output=json").await;
    let json = json.text();
    assert!(
        json.contains("\"format\":\"heif\",\"hasAlpha\":false,\"hasProfile\":false,\"height\":51"),
        "{json}"
    );
}

#[tokio::test]
async fn what_is_not_decoded_passes_where_only_a_size_is_asked() {
    let mut strange = fixture("d8-420");
    let colours = strange.windows(4).position(|at| at == b"nclx").unwrap();
    // ICtCp.
    strange[colours + 8..colours + 10].copy_from_slice(&[0, 14]);
    let bytes = strange.clone();
    let origin = Origin::start(move |_| Reply::ok(&bytes)).await;
    let service = open(&origin, "").await;
    for options in ["&w=20", "&w=20&output=avif&q=50"] {
        let answer = ask_service(&service, &origin, "/a", options).await;
        assert_eq!(
            (answer.header("content-type"), &answer.body),
            ("image/avif", &strange)
        );
    }
    for options in ["&output=png", "&w=20&ro=90"] {
        let answer = ask_service(&service, &origin, "/a", options).await;
        refused(&answer, 400, "these matrix coefficients are not supported");
    }
}
