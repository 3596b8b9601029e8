//! The image proxies that are known by name.

use super::Proxy;
use crate::secret::Secret;

/// A proxy's way to write URLs. In its texts `<base>` stands for where it is, `<options>` for
/// what is asked of it (with its slash or `&`), `<format>` for the format (with its dot or `@`).
struct Preset {
    name: &'static str,
    /// Its default base URL; `None` where `base` is required.
    base: Option<&'static str>,
    template: &'static str,
    /// Instead of a signature, where there is no key; `None`: it has to be signed.
    unsigned: Option<&'static str>,
    message: &'static str,
}

const PRESETS: &[Preset] = &[
    weserv("weserv", "https://images.weserv.nl"),
    weserv("wsrv", "https://wsrv.nl"),
    Preset {
        name: "imgproxy",
        template: "<base>/{hmac_sha256_b64}</options>/{url_b64}<.format>",
        message: "</options>/{url_b64}<.format>",
        ..plain("")
    },
    Preset {
        name: "imgproxy-plain",
        template: "<base>/{hmac_sha256_b64}</options>/plain/{url_enc}<@format>",
        message: "</options>/plain/{url_enc}<@format>",
        ..plain("")
    },
    signed("camo", "<base>/{hmac_sha1_hex}/{url_hex}"),
    signed("camo-query", "<base>/{hmac_sha1_hex}?url={url_enc}"),
    signed("camo-base64", "<base>/{hmac_sha1_b64}/{url_b64}"),
    Preset {
        name: "thumbor",
        template: "<base>/{hmac_sha1_b64_padded}/<options/>{host_path}",
        message: "<options/>{host_path}",
        ..plain("")
    },
    Preset {
        name: "imagor",
        template: "<base>/{hmac_sha1_b64_padded}/<options/>b64:{url_b64}",
        message: "<options/>b64:{url_b64}",
        ..plain("")
    },
    Preset {
        name: "willnorris",
        template: "<base>/<options>,s{hmac_sha256_b64_padded}/{url}",
        message: "{url}#<options>",
        unsigned: Some("<base>/<options>/{url}"),
        ..plain("")
    },
    Preset {
        name: "cloudflare",
        ..plain("<base>/cdn-cgi/image/<options>/{url}")
    },
    Preset {
        name: "photon",
        base: Some("https://i0.wp.com"),
        ..plain("<base>/{host}{path}<?options>")
    },
    Preset {
        name: "freshrss",
        base: Some("https://wsrv.nl/?url="),
        ..plain("<base>{url_enc}")
    },
    signed(
        "miniflux",
        "<base>/proxy/{hmac_sha256_b64_padded}/{url_b64_padded}",
    ),
];

/// weserv, whose own servers take no signatures; others may (`secure_link_md5` in its nginx).
const fn weserv(name: &'static str, base: &'static str) -> Preset {
    Preset {
        name,
        base: Some(base),
        template: "<base>/s/{md5_b64}/?url={url_enc}<&options>",
        message: "url={url_enc}<&options> ",
        unsigned: Some("<base>/?url={url_enc}<&options>"),
    }
}

/// One that is never signed, or for which `unsafe` stands where the signature would.
const fn plain(template: &'static str) -> Preset {
    Preset {
        name: "",
        base: None,
        template,
        unsigned: Some(""),
        message: "",
    }
}

/// One that signs the image's URL, and has to.
const fn signed(name: &'static str, template: &'static str) -> Preset {
    Preset {
        name,
        base: None,
        template,
        unsigned: None,
        message: "",
    }
}

/// The options of `[image_proxy.NAME]` that concern a preset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PresetOptions {
    /// Where the proxy is: `https://images.example.org`. Some have a place of their own.
    pub base: Option<String>,
    /// What is asked of the proxy, in its own words: `rs:fit:800:0`, `w=800&output=webp`.
    pub options: String,
    /// The format that imgproxy is asked for.
    pub format: Option<String>,
    /// The key of signatures; without one, URLs are not signed.
    pub key: Secret,
    /// imgproxy's salt.
    pub salt: Secret,
    /// How many bytes of a signature are written; `None`: all.
    pub signature_bytes: Option<usize>,
}

/// Why a preset can't be used; its `Display` is a sentence for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PresetError {
    /// There is none of this name.
    #[error("there is no such preset; known are {known}", known = known())]
    Unknown,
    /// The proxy has no place of its own.
    #[error("the preset needs `base`, the address where the proxy is")]
    NoBase,
    /// The proxy can't be asked for anything.
    #[error("the preset takes no `options`")]
    NoOptions,
    /// The proxy has another way to be asked for a format.
    #[error("the preset takes no `format`")]
    NoFormat,
    /// The proxy doesn't answer to URLs that are not signed.
    #[error("the preset needs a `key`")]
    NoKey,
}

/// Presets of proxies that serve audio and video, too. freshrss stands for whatever is at its base.
const MEDIA: [&str; 5] = ["camo", "camo-query", "camo-base64", "miniflux", "freshrss"];

/// Whether the proxy of this preset serves images and nothing else.
#[must_use]
pub fn serves_images_only(name: &str, told: &PresetOptions) -> bool {
    !MEDIA.contains(&name) || name == "freshrss" && told.base.is_none()
}

/// The names of the presets.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|preset| preset.name)
}

fn known() -> String {
    names().collect::<Vec<_>>().join(", ")
}

impl Proxy {
    /// The proxy of this name.
    ///
    /// # Errors
    /// When there is none, or it lacks something.
    pub fn preset(name: &str, told: &PresetOptions) -> Result<Self, PresetError> {
        let preset = PRESETS.iter().find(|preset| preset.name == name);
        let preset = preset.ok_or(PresetError::Unknown)?;
        let base = told.base.as_deref().or(preset.base);
        let base = base.ok_or(PresetError::NoBase)?;
        if !told.options.is_empty() && !preset.template.contains("options") {
            return Err(PresetError::NoOptions);
        }
        if told.format.is_some() && !preset.template.contains("format>") {
            return Err(PresetError::NoFormat);
        }
        let template = match (told.key.is_empty(), preset.unsigned) {
            (false, _) => preset.template.to_owned(),
            (true, None) => return Err(PresetError::NoKey),
            (true, Some("")) => without_signature(preset.template),
            (true, Some(unsigned)) => unsigned.to_owned(),
        };
        Ok(Self {
            template: fill(&template, base, told),
            message: fill(preset.message, base, told),
            key: told.key.clone(),
            salt: told.salt.clone(),
            signature_bytes: told.signature_bytes,
            refuses_query: name == "photon",
        })
    }
}

/// A template with `unsafe` for its signature.
fn without_signature(template: &str) -> String {
    match (template.find("{hmac"), template.find("/{hmac")) {
        (Some(start), Some(_)) => {
            let end = template[start..]
                .find('}')
                .map_or(start, |at| start + at + 1);
            format!("{}unsafe{}", &template[..start], &template[end..])
        }
        _ => template.to_owned(),
    }
}

fn fill(text: &str, base: &str, told: &PresetOptions) -> String {
    let asked = literal(&told.options);
    let format = told.format.as_deref().map(literal).unwrap_or_default();
    let with = |before: &str, word: &str, after: &str| match word {
        "" => String::new(),
        word => format!("{before}{word}{after}"),
    };
    let bare = match asked.as_str() {
        "" if text.contains("cdn-cgi") => "format=auto,onerror=redirect",
        "" => "0x0",
        asked => asked,
    };
    let query = match asked.as_str() {
        "" => "{ssl}".to_owned(),
        asked => format!("?{asked}{{ssl_more}}"),
    };
    text.replace("<base>", literal(base).trim_end_matches('/'))
        .replace("<?options>", &query)
        .replace("<&options>", &with("&", &asked, ""))
        .replace("</options>", &with("/", &asked, ""))
        .replace("<options/>", &with("", &asked, "/"))
        .replace("<options>", bare)
        .replace("<.format>", &with(".", &format, ""))
        .replace("<@format>", &with("@", &format, ""))
}

/// Text that holds no placeholder.
fn literal(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}
