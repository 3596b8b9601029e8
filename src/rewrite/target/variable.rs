//! RSSHub's `${variables}`.

use crate::rewrite::image_url::ImageUrl;

/// RSSHub's names, written `${name}`, or `${name_ue}` for what `encodeURIComponent` makes of them.
pub(super) const VARIABLES: &[(&str, Variable)] = &[
    ("href", Variable::Href),
    ("host", Variable::Host),
    ("hostname", Variable::Hostname),
    ("origin", Variable::Origin),
    ("pathname", Variable::Pathname),
    ("port", Variable::Port),
    ("protocol", Variable::Protocol),
    ("search", Variable::Search),
    ("searchParams", Variable::SearchParams),
    ("hash", Variable::Nothing),
    ("username", Variable::Nothing),
    ("password", Variable::Nothing),
];

/// What a `${name}` stands for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Variable {
    Href,
    Host,
    Hostname,
    Origin,
    Pathname,
    Port,
    Protocol,
    Search,
    SearchParams,
    /// What an image's URL never has.
    Nothing,
}

impl Variable {
    pub(super) fn text(self, image: &ImageUrl<'_>) -> String {
        let ImageUrl { scheme, host, .. } = *image;
        let port = image.host_and_port[host.len()..].trim_start_matches(':');
        match self {
            Self::Href => image.whole.to_owned(),
            Self::Host => image.host_and_port.to_owned(),
            Self::Hostname => host.to_owned(),
            Self::Origin => format!("{scheme}://{}", image.host_and_port),
            Self::Pathname => image.path.to_owned(),
            Self::Port => port.to_owned(),
            Self::Protocol => format!("{scheme}:"),
            Self::Search => image
                .query
                .map_or_else(String::new, |query| format!("?{query}")),
            Self::SearchParams => image.query.unwrap_or_default().to_owned(),
            Self::Nothing => String::new(),
        }
    }
}
