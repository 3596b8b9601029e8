//! Making images smaller, in this process and by a worker, beside sharp (npm, libvips): CPU time and
//! how good they look.
//!
//! `cargo bench --bench image -- SHARP [PHOTO.jpg]`: SHARP is a folder where `npm install sharp` was
//! run; without it there are our figures alone. Without a photo one is made up. Each job is done in
//! turns, both with one thread; a ratio is the median of the ratios of neighbouring runs.
#![expect(clippy::print_stdout, reason = "figures are what this program is for")]

#[path = "../kit/cpu.rs"]
mod cpu;
#[path = "../kit/machine.rs"]
mod machine;
mod peer;
mod photo;
mod quality;
#[path = "../kit/stats.rs"]
mod stats;
mod worker;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use feedwright::images::accept::Accepted;
use feedwright::images::options::UrlOptions;
use feedwright::images::processing::{PixelLimits, Quality, inspect, make};
use feedwright::images::transform::ImageTransform;
use peer::Sharp;
use stats::Series;
use worker::Pool;

/// The service's.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Each job is done so long, and so often at most.
const PER_JOB: Duration = Duration::from_secs(20);
const ROUNDS_MAX: usize = 100;
const WIDTH: u32 = 800;
/// The qualities of sharp's among which one makes a file as large as ours.
const QUALITIES: std::ops::RangeInclusive<u8> = 60..=96;

/// One image made of another.
struct Job {
    name: &'static str,
    source: Source,
    output: &'static str,
    quality: u8,
    effort: u8,
}

#[derive(Clone, Copy)]
enum Source {
    Jpeg,
    LargeJpeg,
    Png,
}

const JOBS: [Job; 5] = [
    job("1920×1080 JPEG → JPEG", Source::Jpeg, "jpeg", 80, 0),
    job(
        "1920×1080 JPEG → WebP, effort 4",
        Source::Jpeg,
        "webp",
        80,
        4,
    ),
    job(
        "1920×1080 JPEG → WebP, effort 2",
        Source::Jpeg,
        "webp",
        80,
        2,
    ),
    job("4000×3000 JPEG → JPEG", Source::LargeJpeg, "jpeg", 80, 0),
    job("1920×1080 PNG → PNG", Source::Png, "png", 0, 0),
];

const fn job(
    name: &'static str,
    source: Source,
    output: &'static str,
    quality: u8,
    effort: u8,
) -> Job {
    Job {
        name,
        source,
        output,
        quality,
        effort,
    }
}

fn main() -> anyhow::Result<()> {
    println!("{}", machine::describe());
    let words: Vec<_> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let folder = tempfile::tempdir()?;
    let photo = match words.get(1) {
        Some(path) => image::open(path)?.into_rgb8(),
        None => photo::made_up(4000, 3000),
    };
    let sources = photo::write(&photo, folder.path())?;
    let mut sharp = match words.first() {
        Some(path) => Some(Sharp::start(Path::new(path), folder.path())?),
        None => None,
    };
    println!(
        "{:34} ours ms, least   × by a worker: CPU, time   sharp ms, least   × sharp   bytes, score       sharp's at that size",
        ""
    );
    let pool = Pool::new()?;
    for job in &JOBS {
        measure(job, &sources, &pool, sharp.as_mut())?;
    }
    Ok(())
}

fn measure(
    job: &Job,
    sources: &[PathBuf; 3],
    pool: &Pool,
    mut sharp: Option<&mut Sharp>,
) -> anyhow::Result<()> {
    let file = &sources[job.source as usize];
    let bytes = Bytes::from(fs::read(file)?);
    let (mut ours, mut theirs) = (Series::default(), Series::default());
    let (mut took, mut cpu, mut elapsed) = Default::default();
    let (transform, quality) = asked(job)?;
    // So that it has started.
    pool.make(&bytes, &transform, quality)?;
    let begun = Instant::now();
    for _ in 0..ROUNDS_MAX {
        if begun.elapsed() > PER_JOB {
            break;
        }
        let (before, alone) = (cpu::seconds(), Instant::now());
        std::hint::black_box(shrunk(&bytes, job)?);
        Series::push(&mut took, alone.elapsed().as_secs_f64());
        ours.push(cpu::seconds() - before);
        let cost = pool.make(&bytes, &transform, quality)?;
        Series::push(&mut cpu, cost.cpu);
        Series::push(&mut elapsed, cost.elapsed);
        if let Some(sharp) = &mut sharp {
            theirs.push(sharp.make(file, job, job.quality)?.0);
        }
    }
    let made = shrunk(&bytes, job)?;
    let reference = quality::reference(&bytes)?;
    let score = quality::score(&reference, &made)?;
    print!(
        "{:34} {:7.1} {:7.1}   {:.3}, {:.3}",
        job.name,
        ours.median() * 1e3,
        ours.least() * 1e3,
        cpu.by(&ours).median(),
        elapsed.by(&took).median(),
    );
    match sharp {
        None => println!("{:>38}{} {score:.1}", "", made.len()),
        Some(sharp) => {
            let like = if job.output == "png" {
                None
            } else {
                at_size(sharp, (file, job), &reference, made.len())?
            };
            print!(
                "   {:7.1} {:7.1}   {:.2}",
                theirs.median() * 1e3,
                theirs.least() * 1e3,
                theirs.by(&ours)
            );
            print!("   {} {score:.1}", made.len());
            match like {
                Some(score) => println!("   {score:.1}"),
                None => println!("   ({} bytes)", sharp.make(file, job, job.quality)?.1.len()),
            }
        }
    }
    Ok(())
}

fn asked(job: &Job) -> anyhow::Result<(ImageTransform, Quality)> {
    let output = match job.output {
        "jpeg" => "jpg",
        other => other,
    };
    let query = format!("w={WIDTH}&output={output}");
    let quality = Quality {
        jpeg: job.quality,
        webp: job.quality,
        webp_effort: job.effort,
    };
    Ok((
        ImageTransform::of(UrlOptions::parse(&query)?.pairs()),
        quality,
    ))
}

fn shrunk(bytes: &[u8], job: &Job) -> anyhow::Result<Vec<u8>> {
    let (transform, quality) = asked(job)?;
    let limits = PixelLimits::default();
    let head = inspect(bytes)?;
    Ok(make(
        bytes,
        &head,
        &transform,
        (Accepted::default(), &quality),
        (&limits, &|| false),
    )?
    .bytes)
}

/// How good sharp's image looks where it is as large as ours: between its two next qualities.
fn at_size(
    sharp: &mut Sharp,
    (file, job): (&Path, &Job),
    reference: &image::RgbImage,
    size: usize,
) -> anyhow::Result<Option<f64>> {
    let mut below: Option<(usize, f64)> = None;
    for quality in QUALITIES.step_by(2) {
        let made = sharp.make(file, job, quality)?.1;
        let score = quality::score(reference, &made)?;
        if made.len() >= size {
            let Some((less, worse)) = below else {
                return Ok(None);
            };
            let part = (size - less) as f64 / (made.len() - less) as f64;
            return Ok(Some(worse + (score - worse) * part));
        }
        below = Some((made.len(), score));
    }
    Ok(None)
}
