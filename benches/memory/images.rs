//! Images, made smaller for many who ask at once.

use std::io::Cursor;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use image::imageops::{FilterType, resize};
use image::{ImageFormat, RgbImage};

use crate::origin::{self, Answer};
use crate::{make, memory_mib, photo, reader, start};

const REQUESTS: usize = 2000;
const READERS: usize = 16;
/// No new request after so long.
const TIME_MAX: Duration = Duration::from_secs(45);
/// The least and the most memory for copies that is tried.
const BUDGETS_MIB: [usize; 2] = [32, 256];
/// What the allocator holds for a while is given back by then.
const UNTIL_TIDY: Duration = Duration::from_secs(20);
const SIZES: [(u32, u32); 8] = [
    (320, 240),
    (640, 480),
    (800, 1200),
    (1200, 800),
    (1920, 1080),
    (1600, 1200),
    (2725, 2225),
    (4000, 3000),
];
const OUTPUTS: [&str; 4] = ["jpg", "webp", "png", "gif"];

/// Peak and rest of a process that is asked for images of all sizes in all sizes.
pub(crate) fn measure(directory: &Path) -> anyhow::Result<()> {
    let origin = publisher()?;
    for budget_mib in BUDGETS_MIB {
        let toml = format!(
            "[store]\nmemory_bytes = \"{budget_mib}MiB\"\n[image]\nopen = true\nallow_private = [\"{origin}\"]\n"
        );
        let server = start(&make(directory, &format!("images{budget_mib}"))?, &toml)?;
        let before_mib = memory_mib(&server, "VmRSS")?;
        let begun = Instant::now();
        let load = reader::load(server.addr, READERS, "identity", |next| {
            let is_over = next >= REQUESTS || begun.elapsed() > TIME_MAX;
            (!is_over).then(|| request(next, origin))
        })?;
        let peak_mib = memory_mib(&server, "VmHWM")?;
        std::thread::sleep(UNTIL_TIDY);
        println!(
            "{} images, {READERS} at once, copies in {budget_mib} MiB: {before_mib:.0} MiB before, peak {peak_mib:.0} MiB, {:.0} MiB after {:.0} s; {:.0} a second, {} KB each",
            load.answers,
            memory_mib(&server, "VmRSS")?,
            UNTIL_TIDY.as_secs_f64(),
            load.answers as f64 / load.seconds,
            load.bytes / load.answers.max(1) / 1000,
        );
    }
    Ok(())
}

/// One photo in every size, as JPEG and, up to two million pixels, as PNG.
fn publisher() -> anyhow::Result<SocketAddr> {
    let photo = photo::made_up(1000, 750);
    let mut files: Vec<Arc<[u8]>> = Vec::new();
    for (width, height) in SIZES {
        let image = resize(&photo, width, height, FilterType::Triangle);
        files.push(file(&image, ImageFormat::Jpeg)?);
        if width * height < 2_100_000 {
            files.push(file(&image, ImageFormat::Png)?);
        }
    }
    origin::start("127.0.0.1:0", move |path| {
        let number: usize = path.trim_matches('/').parse().unwrap_or(0);
        Answer::plain(Arc::clone(&files[number % files.len()]))
    })
}

fn file(image: &RgbImage, format: ImageFormat) -> anyhow::Result<Arc<[u8]>> {
    let mut file = Cursor::new(Vec::new());
    image.write_to(&mut file, format)?;
    Ok(file.into_inner().into())
}

/// The same each time for the same number.
fn request(number: usize, origin: SocketAddr) -> String {
    let mut state = number as u64 + 1;
    let mut below = |end: u64| {
        state = (state ^ state >> 29).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (state >> 33) % end
    };
    // Many addresses lead to the same files, as if there were more of them.
    let source = below(140);
    let width = 40 + below(860);
    let output = OUTPUTS[below(4) as usize];
    let shape = ["", "", "", "&h=200&fit=cover", "&ro=90", "&we"][below(6) as usize];
    format!("/image?url=http://{origin}/{source}&w={width}&output={output}{shape}")
}
