//! Signed image URLs, as commands and the service write them, and the key they share.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::commands::{feedwright, run, text};
use crate::origin::{Origin, Reply};
use crate::reader::get;
use crate::service::Service;

const DOCUMENT: &str = "<rss><channel><item><guid>1</guid>\
    <enclosure url=\"https://img.example.org/a.png\" type=\"image/png\"/>\
    <description>&lt;img src='https://img.example.org/a.png'></description></item></channel></rss>";

/// A configuration whose data directory is `data` beside it.
fn configure(folder: &Path, keys: &str) -> String {
    let toml = format!(
        "[server]\npublic_url = \"https://feeds.example.org\"\n[store]\npath = \"{}\"\n{keys}\n\
         [[feed]]\nname = \"news\"\nurl = \"http://PUBLISHER/feed.xml\"\n\
         allow_private = [\"PUBLISHER\"]\nimages = \"builtin\"\n",
        folder.join("data").display()
    );
    let path = folder.join("feedwright.toml");
    fs::write(&path, toml.replace("PUBLISHER", "127.0.0.1:9")).unwrap();
    toml
}

fn sign(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let config = folder.join("feedwright.toml");
    let all = [&["sign", "--config", config.to_str().unwrap()], arguments].concat();
    let output = run(&all, b"");
    let line = text(&output.stdout).trim_end().to_owned();
    (output.status.code(), line, text(&output.stderr))
}

#[tokio::test]
async fn commands_and_service_share_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let toml = configure(folder.path(), "");
    let config = folder.path().join("feedwright.toml");
    let config = config.to_str().unwrap();
    let checked = run(&["check", "--config", config], b"");
    assert!(checked.status.success());
    assert!(!folder.path().join("data").exists(), "check makes no key");

    // Many at once, none of which finds a key.
    let url = "https://img.example.org/a.png";
    let starts: Vec<_> = (0..6)
        .map(|_| {
            let mut command = feedwright(&["sign", "--config", config, url]);
            command.stdout(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let addresses: Vec<String> = starts
        .into_iter()
        .map(|start| text(&start.wait_with_output().unwrap().stdout))
        .collect();
    assert!(addresses.iter().all(|address| *address == addresses[0]));
    let address = addresses[0].trim_end();
    assert!(
        address.starts_with("https://feeds.example.org/image/"),
        "{address}"
    );
    let kept: Vec<_> = fs::read_dir(folder.path().join("data")).unwrap().collect();
    assert_eq!(kept.len(), 1);

    let arguments = ["rewrite", "--feed", "news", "--config", config];
    let rewritten = text(&run(&arguments, DOCUMENT.as_bytes()).stdout);
    assert_eq!(rewritten.matches(address).count(), 2, "{rewritten}");

    for _ in 0..2 {
        let publisher = Origin::start(|_| Reply::ok(DOCUMENT)).await;
        let service = Service::start(&toml, publisher.address()).await;
        let answer = get(service.addr, "/feeds/news", &[]).await;
        assert_eq!(
            answer.text().matches(address).count(),
            2,
            "{}",
            answer.text()
        );
    }

    // Twice is once.
    let again = text(&run(&arguments, rewritten.as_bytes()).stdout);
    assert_eq!(again, rewritten);
}

#[test]
fn options_and_mistakes() {
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), "[image]\nkey = \"0123456789abcdef\"");
    let signed = sign(
        folder.path(),
        &[
            "https://b\u{fc}cher.example:443/a.png?q=1&r= #top",
            "width=800&output=webp",
        ],
    );
    // Made with Python's hmac and base64.
    let expected = "https://feeds.example.org/image/WwkSnMoLRI62e24fVfqN4VRSRRStny41A-bxGdhxuJs/output-webp_w-800/aHR0cHM6Ly94bi0tYmNoZXIta3ZhLmV4YW1wbGUvYS5wbmc_cT0xJnI9JTIw";
    assert_eq!(signed, (Some(0), expected.to_owned(), String::new()));
    assert!(!folder.path().join("data").exists(), "there is a key");
    for (url, options, reason) in [
        ("img.example.org/a.png", "", "starts with `https://`"),
        ("https://x.org/", "widht=5", "no option `widht`"),
    ] {
        let (code, line, errors) = sign(folder.path(), &[url, options]);
        assert_eq!((code, line.as_str()), (Some(2), ""));
        assert!(errors.contains(reason), "{errors}");
    }
}

#[test]
fn a_key_that_is_kept_nowhere_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("feedwright.toml");
    fs::write(&config, "[store]\npath = \"\"").unwrap();
    let first = sign(folder.path(), &["https://x.org/"]);
    let second = sign(folder.path(), &["https://x.org/"]);
    assert_eq!((first.0, second.0), (Some(0), Some(0)));
    assert_ne!(first.1, second.1);
    assert!(first.2.contains("warning: nothing is kept"), "{}", first.2);
}

#[test]
fn a_document_is_rewritten_where_no_key_can_be_kept() {
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), "");
    fs::write(folder.path().join("data"), "no directory").unwrap();
    let config = folder.path().join("feedwright.toml");
    let feeds = "\n[[feed]]\nname = \"ours\"\nurl = \"https://x.org/\"\n[[feed]]\nname = \"plain\"\nurl = \"https://x.org/\"\nimages = \"none\"\n";
    let written = fs::read_to_string(&config).unwrap() + feeds;
    fs::write(&config, written).unwrap();
    let document = "<rss><channel><item><description>&lt;img src='https://x.org/a.png'></description></item></channel></rss>";
    let rewrite = |name: &str| {
        let config = config.to_str().unwrap();
        let arguments = ["rewrite", "--feed", name, "--config", config];
        let output = run(&arguments, document.as_bytes());
        assert!(output.status.success(), "{}", text(&output.stderr));
        (text(&output.stdout), text(&output.stderr))
    };
    let (ours, said) = rewrite("ours");
    assert!(ours.contains("/image/"), "{ours}");
    assert!(said.contains("can't be kept in"), "{said}");
    // A feed that signs nothing needs no key.
    let (plain, said) = rewrite("plain");
    assert!(plain.contains("src='https://x.org/a.png'"), "{plain}");
    assert_eq!(said, "");
    let (code, line, said) = sign(folder.path(), &["https://x.org/"]);
    assert_eq!((code, line.as_str()), (Some(1), ""));
    assert!(said.contains("can't be kept in"), "{said}");
}

#[test]
fn a_key_that_is_none_stops_everything() {
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), "");
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("signing.key"), "not a key\n").unwrap();
    let (code, line, errors) = sign(folder.path(), &["https://x.org/"]);
    assert_eq!((code, line.as_str()), (Some(1), ""));
    assert!(errors.contains("data/signing.key holds no key"), "{errors}");
    assert_eq!(
        fs::read_to_string(data.join("signing.key")).unwrap(),
        "not a key\n"
    );
}

#[test]
fn explanations_name_the_rule_and_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("feedwright.toml");
    fs::write(
        &config,
        "[[feed]]\nname = \"news\"\nurl = \"https://x.org/\"\nsanitize = \"off\"\nabsolute_links = false\nimages = \"weserv\"\nskip_images = [\".skip\"]\n\
         image_rules = [{ path = \"*.gif\", images = \"none\" }, { selector = \".wide\", options = \"w=9\" }]",
    )
    .unwrap();
    let config = config.to_str().unwrap();
    let document = "<rss><channel><image><url>https://x.org/a.gif</url></image><item><description><![CDATA[\
        <img src=/a.png srcset='/b.png 2x, data:,x 3x'><img class=wide src=/c.png><img class=skip src=/d.png>\
        <p style='background:url(https://wsrv.nl/?url=e)'><style>p{background:url(/f.gif)}</style>\
        <iframe srcdoc='<img src=/g.png>'></iframe>]]></description></item></channel></rss>";
    let arguments = ["rewrite", "--feed", "news", "--config", config, "--explain"];
    let output = run(&arguments, document.as_bytes());
    let lines = text(&output.stderr);
    let proxied =
        |path: &str| format!("https://images.weserv.nl/?url=https%3A%2F%2Fx.org%2F{path}");
    for (place, rest) in [
        (
            "feed, url: left by images: image_rules[0] leaves it",
            "    https://x.org/a.gif".to_owned(),
        ),
        (
            "item 1, description > img[src]: images",
            format!("  - /a.png\n  + {}", proxied("a.png")),
        ),
        (
            "item 1, description > img[srcset]: images",
            format!("  - /b.png\n  + {}", proxied("b.png")),
        ),
        (
            "item 1, description > img[srcset]: left by images: it is no address on the web",
            "    data:,x".into(),
        ),
        (
            "item 1, description > img[src]: image_rules[1]",
            format!("  - /c.png\n  + {}&w=9", proxied("c.png")),
        ),
        (
            "item 1, description > img[src]: left by images: skip_images matches its element",
            "    /d.png".into(),
        ),
        (
            "item 1, description > p[style]: left by images: it leads to an image proxy already",
            "    https://wsrv.nl/?url=e".into(),
        ),
        (
            "item 1, description > style: left by images: image_rules[0] leaves it",
            "    /f.gif".into(),
        ),
        (
            "item 1, description > img[src]: images",
            format!("  - /g.png\n  + {}", proxied("g.png")),
        ),
    ] {
        let note = format!("{place}\n{rest}\n");
        assert!(lines.contains(&note), "{note}is not in:\n{lines}");
    }
}
