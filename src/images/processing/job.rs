//! An image job as it goes to a worker and comes back: what is asked and within which limits; what was
//! made, or why nothing was.

use serde::{Deserialize, Serialize};

use super::decode::inspect;
use super::encode::{EncodedImage, Quality};
use super::error::ProcessingError;
use super::limits::{IsLate, PixelLimits};
use super::make::make;
use crate::images::accept::Accepted;
use crate::images::format::ImageFormat;
use crate::images::transform::ImageTransform;

/// What an image may take at first, before anybody has looked at its head: as much as leaves each worker
/// its part of the budget. What needs more says so.
pub const FIRST_GRANT_BYTES: u64 = 28 << 20;
/// Bytes that decoders and encoders take whatever the image is: tables, buffers of lines.
const SLACK_BYTES: u64 = 6 << 20;
/// The media type of what is known of an image, and its ending.
const JSON: (&str, &str) = ("application/json", "json");

/// What is asked of an image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProcessingRequest {
    /// What is to be made of it.
    pub transform: ImageTransform,
    /// What the client takes.
    pub accepted: Accepted,
    /// How well it is written where nothing is asked.
    pub quality: Quality,
    /// Pixels and frames.
    pub limits: PixelLimits,
}

/// What comes of it.
#[derive(Debug)]
pub enum ProcessingReply {
    /// The head and the body of the answer, for [`read`].
    Done(Vec<u8>, Vec<u8>),
    /// It takes so many bytes of memory.
    Needs(u64),
}

/// The head of an answer.
#[derive(Serialize, Deserialize)]
struct Outcome {
    extension: String,
    error: Option<ProcessingError>,
}

impl ProcessingRequest {
    /// As bytes, for a job's head.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// Does a job with so many bytes of memory. With `is_largest` there is never more.
#[must_use]
pub fn work(head: &[u8], body: &[u8], room_bytes: u64, is_largest: bool) -> ProcessingReply {
    let Ok(request) = serde_json::from_slice::<ProcessingRequest>(head) else {
        return done(Err(ProcessingError::Invalid));
    };
    let judged = inspect(body).and_then(|head| {
        let weight = head.weight_bytes(&request.transform, &request.limits)?;
        Ok((head, weight + body.len() as u64 + SLACK_BYTES))
    });
    let (head, needed_bytes) = match judged {
        Ok(judged) => judged,
        Err(error) => return done(Err(error)),
    };
    if needed_bytes > room_bytes && !is_largest {
        return ProcessingReply::Needs(needed_bytes);
    }
    let (told, limits) = (
        (request.accepted, &request.quality),
        (&request.limits, &(|| false) as IsLate<'_>),
    );
    match make(body, &head, &request.transform, told, limits) {
        // Some codecs call it unreadable when they get no memory.
        Err(ProcessingError::Unreadable) if !is_largest && needed_bytes > room_bytes / 2 => {
            ProcessingReply::Needs(room_bytes.saturating_mul(2))
        }
        made => done(made),
    }
}

fn done(made: Result<EncodedImage, ProcessingError>) -> ProcessingReply {
    let (outcome, body) = match made {
        Ok(made) => {
            let extension = made.extension.to_owned();
            (
                Outcome {
                    extension,
                    error: None,
                },
                made.bytes,
            )
        }
        Err(error) => {
            let error = Some(error);
            (
                Outcome {
                    extension: String::new(),
                    error,
                },
                Vec::new(),
            )
        }
    };
    ProcessingReply::Done(serde_json::to_vec(&outcome).unwrap_or_default(), body)
}

/// Reads the answer to a job; `None` when it makes no sense. SECURITY: a worker that was taken over
/// may say anything: what it made is known by its first bytes, and is of a kind that runs nothing.
#[must_use]
pub fn read(head: &[u8], body: Vec<u8>) -> Option<Result<EncodedImage, ProcessingError>> {
    let outcome: Outcome = serde_json::from_slice(head).ok()?;
    if let Some(error) = outcome.error {
        return Some(Err(error));
    }
    let (media_type, extension) = match ImageFormat::of(&body) {
        Some(kind) if kind.is_inert() => (kind.media_type(), kind.extension()),
        None if body.starts_with(b"{") => JSON,
        _ => return None,
    };
    (outcome.extension == extension).then_some(Ok(EncodedImage {
        bytes: body,
        media_type,
        extension,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(query: &str) -> ProcessingRequest {
        let options = crate::images::options::UrlOptions::lenient(query).unwrap();
        ProcessingRequest {
            transform: ImageTransform::of(options.pairs()),
            accepted: Accepted { webp: true },
            quality: Quality::default(),
            limits: PixelLimits::default(),
        }
    }

    #[test]
    fn what_is_asked_and_what_is_answered_come_through() {
        for query in [
            "",
            "w=33%25&h=7&dpr=1.3&fit=cover&a=focal-25-75&crop=1,2,3,4&cx=10%25",
            "filt=duotone&start=f00&stop=0f0&tint=abc&mod=1.1,0.9,30&gam=2.2&sharp=3,1,2&blur=1.7",
            "n=-1&page=-1&delay=20,30&loop=3&mask=heart&mbg=red&output=auto&q=77&l=3&il&ll&af&fsol=0",
        ] {
            let request = request(query);
            let read: ProcessingRequest = serde_json::from_slice(&request.to_bytes()).unwrap();
            assert_eq!(read, request, "{query}");
        }
        for error in [
            ProcessingError::unsupported("no"),
            ProcessingError::saver("jxl"),
            ProcessingError::InputPixels(5),
            ProcessingError::Unreadable,
        ] {
            let ProcessingReply::Done(head, body) = done(Err(error.clone())) else {
                panic!("an answer");
            };
            assert_eq!(read(&head, body), Some(Err(error)));
        }
    }

    #[test]
    fn an_image_is_made_with_the_room_that_it_needs() {
        let mut png = std::io::Cursor::new(Vec::new());
        image::RgbImage::new(2000, 1000)
            .write_to(&mut png, image::ImageFormat::Png)
            .unwrap();
        let (head, png) = (request("w=1000&output=png").to_bytes(), png.into_inner());
        let ProcessingReply::Needs(bytes) = work(&head, &png, 1 << 20, false) else {
            panic!("it fits nothing");
        };
        assert!((14 << 20..40 << 20).contains(&bytes), "{bytes}");
        for (room, is_largest) in [(bytes, false), (1 << 20, true)] {
            let ProcessingReply::Done(head, body) = work(&head, &png, room, is_largest) else {
                panic!("there is room");
            };
            let made = read(&head, body).unwrap().unwrap();
            assert_eq!((made.media_type, made.extension), ("image/png", "png"));
        }
        let ProcessingReply::Done(head, body) = work(&head, b"none", 0, false) else {
            panic!("an answer");
        };
        assert_eq!(read(&head, body), Some(Err(ProcessingError::Invalid)));
    }

    #[test]
    fn an_answer_is_what_its_bytes_say() {
        let head = |extension: &str| {
            let extension = extension.to_owned();
            serde_json::to_vec(&Outcome {
                extension,
                error: None,
            })
            .unwrap()
        };
        assert_eq!(read(&head("png"), b"GIF89a..".to_vec()), None);
        assert_eq!(read(&head("svg"), b"<svg>".to_vec()), None);
        assert_eq!(read(&head("json"), b"<html>".to_vec()), None);
        assert_eq!(read(b"", Vec::new()), None);
    }
}
