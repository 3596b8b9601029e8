//! The system's fonts, for drawings: listed once by the service, opened by a worker before it shuts
//! itself in, read by drawings that use them.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

use resvg::usvg::fontdb::{
    Database, FaceInfo, Family, ID, Language, Source, Stretch, Style, Weight,
};
use serde::{Deserialize, Serialize};

/// Faces that are listed.
const FACES_MAX: usize = 4096;
/// Files that are opened.
const FILES_MAX: usize = 512;
/// How long a worker waits for the list; one that starts later may have it.
const LIST_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of fonts that one drawing may read; what is beyond is as if it was not there.
const KEPT_BYTES_MAX: u64 = 32 << 20;
/// Generic families, as the system's configuration sets them.
const GENERIC: [Family<'static>; 5] = [
    Family::Serif,
    Family::SansSerif,
    Family::Cursive,
    Family::Fantasy,
    Family::Monospace,
];

/// The fonts of a system.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Fonts {
    files: Vec<String>,
    faces: Vec<Face>,
    /// Names for [`GENERIC`].
    generic: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Face {
    file: usize,
    index: u32,
    families: Vec<String>,
    post_script_name: String,
    style: u8,
    weight: u16,
    stretch: u8,
    is_monospaced: bool,
}

/// The fonts that a worker has opened.
#[derive(Debug)]
struct Opened {
    fonts: Fonts,
    files: Vec<Option<Arc<File>>>,
}

static OPENED: OnceLock<Opened> = OnceLock::new();

/// Lists the system's fonts, for [`open`]. Where that takes long there are none in the list.
#[must_use]
pub fn list() -> Vec<u8> {
    let (sender, receiver) = mpsc::channel();
    let listing = std::thread::Builder::new()
        .name("fonts".into())
        .spawn(move || sender.send(system_fonts()));
    let fonts = match (listing, receiver.recv_timeout(LIST_TIMEOUT)) {
        (Ok(_), Ok(fonts)) => fonts,
        _ => {
            tracing::warn!("the system's fonts take too long to list: drawings have none");
            Fonts::default()
        }
    };
    serde_json::to_vec(&fonts).unwrap_or_default()
}

fn system_fonts() -> Fonts {
    let mut database = Database::new();
    database.load_system_fonts();
    let mut fonts = Fonts {
        generic: GENERIC
            .iter()
            .map(|family| installed(&database, family))
            .collect(),
        ..Fonts::default()
    };
    for face in database.faces() {
        let (Source::File(path) | Source::SharedFile(path, _)) = &face.source else {
            continue;
        };
        let Some(path) = path.to_str() else {
            continue;
        };
        let known = fonts.files.iter().position(|file| file == path);
        if fonts.faces.len() >= FACES_MAX || known.is_none() && fonts.files.len() >= FILES_MAX {
            tracing::warn!(
                FILES_MAX,
                FACES_MAX,
                "not all of the system's fonts are used"
            );
            break;
        }
        let file = known.unwrap_or_else(|| {
            fonts.files.push(path.to_owned());
            fonts.files.len() - 1
        });
        fonts.faces.push(Face::of(face, file));
    }
    fonts
}

/// The name for a generic family: what the system's configuration prefers, or else what is there.
fn installed(database: &Database, family: &Family<'_>) -> String {
    let preferred = database.family_name(family);
    let is_monospaced = *family == Family::Monospace;
    let word = if *family == Family::Serif {
        "Serif"
    } else {
        "Sans"
    };
    let name = |face: &FaceInfo| face.families.first().map(|(name, _)| name.clone());
    let is_plain = |face: &&FaceInfo| {
        face.style == Style::Normal
            && face.weight == Weight::NORMAL
            && face.stretch == Stretch::Normal
            && face.monospaced == is_monospaced
    };
    let has_preferred = database
        .faces()
        .any(|face| face.families.iter().any(|(name, _)| name == preferred));
    if has_preferred {
        return preferred.to_owned();
    }
    let plain = || database.faces().filter(is_plain).filter_map(name);
    plain()
        .find(|name| name.contains(word))
        .or_else(|| plain().next())
        .or_else(|| database.faces().find_map(name))
        .unwrap_or_else(|| preferred.to_owned())
}

const STRETCHES: [Stretch; 9] = [
    Stretch::UltraCondensed,
    Stretch::ExtraCondensed,
    Stretch::Condensed,
    Stretch::SemiCondensed,
    Stretch::Normal,
    Stretch::SemiExpanded,
    Stretch::Expanded,
    Stretch::ExtraExpanded,
    Stretch::UltraExpanded,
];
const STYLES: [Style; 3] = [Style::Normal, Style::Italic, Style::Oblique];

impl Face {
    fn of(info: &FaceInfo, file: usize) -> Self {
        let place = |found: Option<usize>| found.unwrap_or_default() as u8;
        Self {
            file,
            index: info.index,
            families: info.families.iter().map(|(name, _)| name.clone()).collect(),
            post_script_name: info.post_script_name.clone(),
            style: place(STYLES.iter().position(|style| *style == info.style)),
            weight: info.weight.0,
            stretch: place(
                STRETCHES
                    .iter()
                    .position(|stretch| *stretch == info.stretch),
            ),
            is_monospaced: info.monospaced,
        }
    }

    fn info(&self, source: Source) -> FaceInfo {
        let family = |name: &String| (name.clone(), Language::English_UnitedStates);
        FaceInfo {
            id: ID::dummy(),
            source,
            index: self.index,
            families: self.families.iter().map(family).collect(),
            post_script_name: self.post_script_name.clone(),
            style: STYLES
                .get(usize::from(self.style))
                .copied()
                .unwrap_or_default(),
            weight: Weight(self.weight),
            stretch: STRETCHES
                .get(usize::from(self.stretch))
                .copied()
                .unwrap_or_default(),
            monospaced: self.is_monospaced,
        }
    }
}

/// Opens the fonts of a list, for all drawings of this process.
pub fn open(list: &[u8]) {
    let fonts: Fonts = serde_json::from_slice(list).unwrap_or_default();
    let open = |path: &String| File::open(path).ok().map(Arc::new);
    let files = fonts.files.iter().map(open).collect();
    // A worker is started once.
    OPENED.set(Opened { fonts, files }).ok();
}

/// A font file that is read when it is used, unless too much was read already.
#[derive(Debug)]
struct LazyFile {
    file: Arc<File>,
    bytes: OnceLock<Vec<u8>>,
    left: Arc<AtomicU64>,
}

impl AsRef<[u8]> for LazyFile {
    fn as_ref(&self) -> &[u8] {
        self.bytes
            .get_or_init(|| read(&self.file, &self.left).unwrap_or_default())
    }
}

/// All of a file, if that many bytes are left.
fn read(file: &File, left: &AtomicU64) -> Option<Vec<u8>> {
    // Its length without asking for it: nothing but reading is allowed to a worker.
    let mut bytes = Vec::new();
    let mut at = 0;
    loop {
        let allowed = usize::try_from(left.load(Ordering::Relaxed)).ok()?;
        let step = (at / 2).clamp(64 << 10, 4 << 20);
        bytes.try_reserve_exact(step).ok()?;
        bytes.resize(at + step, 0);
        let count = file.read_at(&mut bytes[at..], at as u64).ok()?;
        if count == 0 {
            bytes.truncate(at);
            bytes.shrink_to_fit();
            return Some(bytes);
        }
        if count > allowed {
            return None;
        }
        left.fetch_sub(count as u64, Ordering::Relaxed);
        at += count;
        bytes.truncate(at);
    }
}

/// The fonts for one drawing.
pub(super) fn for_drawing() -> Arc<Database> {
    let mut database = Database::new();
    let Some(opened) = OPENED.get() else {
        return Arc::new(database);
    };
    let left = Arc::new(AtomicU64::new(KEPT_BYTES_MAX));
    let lazy = |file: &Option<Arc<File>>| {
        Some(Arc::new(LazyFile {
            file: Arc::clone(file.as_ref()?),
            bytes: OnceLock::new(),
            left: Arc::clone(&left),
        }))
    };
    let files: Vec<_> = opened.files.iter().map(lazy).collect();
    for face in &opened.fonts.faces {
        if let Some(Some(file)) = files.get(face.file) {
            let source = Arc::clone(file);
            database.push_face_info(face.info(Source::Binary(source)));
        }
    }
    let names: [&str; 5] = std::array::from_fn(|index| {
        let name = opened.fonts.generic.get(index);
        name.map_or("", String::as_str)
    });
    database.set_serif_family(names[0]);
    database.set_sans_serif_family(names[1]);
    database.set_cursive_family(names[2]);
    database.set_fantasy_family(names[3]);
    database.set_monospace_family(names[4]);
    Arc::new(database)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fonts_are_read_as_far_as_they_may() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.ttf");
        for length in [0, 1, 64 << 10, 200_001] {
            let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            std::fs::write(&path, &bytes).unwrap();
            let file = File::open(&path).unwrap();
            let left = AtomicU64::new(200_000);
            let expected = (length <= 200_000).then_some(bytes);
            assert_eq!(read(&file, &left), expected, "{length}");
        }
    }

    #[test]
    fn a_list_is_what_the_system_has() {
        let mut system = Database::new();
        system.load_system_fonts();
        let fonts: Fonts = serde_json::from_slice(&list()).unwrap();
        assert_eq!(fonts.faces.len(), system.len().min(FACES_MAX));
        // Every generic family is one that is there, if any is.
        let names = fonts.faces.iter().flat_map(|face| &face.families);
        let names: Vec<_> = names.collect();
        for generic in &fonts.generic {
            assert!(names.is_empty() || names.contains(&generic), "{generic}");
        }
    }
}
