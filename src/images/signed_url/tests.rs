//! Addresses by vectors made elsewhere, and everything that is none.

use super::*;
use proptest::prelude::*;

const DW: &str = "Bzo8JmZWT5mngcA9eyOohdgI8POp-sbxlY1OK0Y5f1I/-/aHR0cHM6Ly9zdGF0aWMuZHcuY29tL2ltYWdlLzU3MTUyOTE4XzMwMy5qcGc";
const IDN: &str = "WwkSnMoLRI62e24fVfqN4VRSRRStny41A-bxGdhxuJs/output-webp_w-800/aHR0cHM6Ly94bi0tYmNoZXIta3ZhLmV4YW1wbGUvYS5wbmc_cT0xJnI9JTIw";

fn keys(texts: &[&str]) -> SigningKeys {
    let secrets = texts.iter().map(|text| Secret::parse(text).unwrap());
    SigningKeys::new(secrets.collect()).unwrap()
}

fn one() -> SigningKeys {
    keys(&["0123456789abcdef"])
}

fn sign(keys: &SigningKeys, options: &str, url: &str) -> String {
    let options = UrlOptions::parse(options).unwrap();
    let signer = UrlSigner::new(keys, "https://f.example", &options).unwrap();
    let url = normal(url).unwrap();
    let address = signer.sign(url.as_str());
    let behind = address.strip_prefix("https://f.example/image/");
    behind.unwrap().to_owned()
}

#[test]
fn vectors() {
    // Made with Python's hmac and base64.
    let dw = "https://static.dw.com/image/57152918_303.jpg";
    assert_eq!(sign(&one(), "", dw), DW);
    let idn = "https://Bücher.example:443/a.png?q=1&r= #top";
    assert_eq!(sign(&one(), "w=800&output=webp", idn), IDN);
    let signed = one().verify(IDN).unwrap();
    assert_eq!(signed.options.as_str(), "output-webp_w-800");
    let url = "https://xn--bcher-kva.example/a.png?q=1&r=%20";
    assert_eq!(signed.url.as_str(), url);
}

#[test]
fn keys_are_changed_without_breaking_addresses() {
    let changed = keys(&["fedcba9876543210", "0123456789abcdef"]);
    assert!(changed.verify(DW).is_ok());
    let new = sign(&changed, "", "https://x.org/");
    assert!(keys(&["fedcba9876543210"]).verify(&new).is_ok());
    assert_eq!(one().verify(&new), Err(SignedUrlError::WrongSignature));
    assert_eq!(
        SigningKeys::default().verify(DW),
        Err(SignedUrlError::WrongSignature)
    );
    assert!(UrlSigner::new(&SigningKeys::default(), "https://x", &UrlOptions::default()).is_none());
}

#[test]
fn keys_that_are_refused() {
    let new = |texts: &[&str]| {
        let secrets = texts.iter().map(|text| Secret::parse(text).unwrap());
        SigningKeys::new(secrets.collect())
    };
    assert_eq!(new(&["0123456789abcde"]), Err(SigningKeysError::TooShort));
    assert_eq!(
        new(&["0123456789abcdef"; 9]),
        Err(SigningKeysError::TooMany)
    );
    let shown = format!("{:?}", one());
    assert!(!shown.contains("0123456789abcdef"), "{shown}");
}

#[test]
fn one_text_for_one_address() {
    let (signature, rest) = DW.split_once('/').unwrap();
    let (_, url) = rest.split_once('/').unwrap();
    let last = |text: &str, letter: &str| format!("{}{letter}", &text[..text.len() - 1]);
    for address in [
        String::new(),
        "/".into(),
        "//".into(),
        signature.into(),
        format!("{DW}/"),
        format!("/{DW}"),
        format!("{DW}="),
        format!("{DW}?x"),
        format!("{signature}=/-/{url}"),
        format!("{signature}/-/{url}=="),
        // `I` and `J` differ in bits that no byte has room for.
        format!("{}/-/{url}", last(signature, "J")),
        format!("{signature}/-/{}", last(url, "d")),
        format!("{signature}/-/{}", url.replace('-', "+")),
        format!("%42{}/-/{url}", &signature[1..]),
        format!("{signature}//{url}"),
        format!("{signature}/%2D/{url}"),
        format!("{signature}/-/{} ", url),
        format!("{signature}/-/{}", "A".repeat(20_000)),
    ] {
        if address != DW {
            assert!(one().verify(&address).is_err(), "{address}");
        }
    }
    for at in 0..DW.len() {
        let mut changed = DW.to_owned();
        let letter = if &DW[at..=at] == "A" { "B" } else { "A" };
        changed.replace_range(at..=at, letter);
        assert!(one().verify(&changed).is_err(), "{changed}");
    }
}

/// What a key of ours signed although no version of ours writes it is refused, too.
#[test]
fn signed_and_still_no_address() {
    let address = |options: &str, url: &str| {
        let mac = feed(mac(&one().0[0]).unwrap(), options, url.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        format!("{signature}/{options}/{}", URL_SAFE_NO_PAD.encode(url))
    };
    assert!(one().verify(&address("w-1", "https://x.org/")).is_ok());
    for (options, url) in [
        ("w-1", "https://x.org"),
        ("w-1", "https://x.org/#top"),
        ("w-1", "HTTPS://x.org/"),
        ("w-1", "ftp://x.org/"),
        ("w-1", "x.org"),
        ("w-01_", "https://x.org/"),
        ("", "https://x.org/"),
    ] {
        let refused = one().verify(&address(options, url));
        assert_eq!(refused, Err(SignedUrlError::Malformed), "{options} {url}");
    }
}

#[test]
fn urls_that_are_refused() {
    for url in [
        "",
        "x.org/a.png",
        "//x.org/a",
        "ftp://x.org/",
        "data:,x",
        "https://",
    ] {
        assert_eq!(normal(url), Err(ImageUrlError::NotHttp), "{url}");
    }
    let long = format!("https://x.org/{}", "a".repeat(URL_BYTES_MAX));
    assert_eq!(normal(&long), Err(ImageUrlError::TooLong));
}

proptest! {
    #[test]
    fn what_is_signed_verifies(path in "\\PC{0,40}", width in 0u32..5000) {
        let url = normal(&format!("https://x.org/{path}")).unwrap();
        let address = sign(&one(), &format!("w={width}"), url.as_str());
        prop_assert!(address.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_/".contains(&byte)));
        let signed = one().verify(&address).unwrap();
        prop_assert_eq!(signed.url, url);
    }

    #[test]
    fn nothing_else_does(text in "[A-Za-z0-9_-]{43}/[a-z0-9_-]{0,8}/[A-Za-z0-9_-]{0,40}", any in "\\PC{0,60}") {
        prop_assert!(one().verify(&text).is_err());
        prop_assert!(one().verify(&any).is_err());
    }
}
