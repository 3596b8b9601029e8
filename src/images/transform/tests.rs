//! Values, good and bad.

use super::*;

fn transform(query: &str) -> ImageTransform {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    ImageTransform::of(pairs.map(|pair| match pair.split_once('=') {
        Some((name, value)) => (name, Some(value.into())),
        None => (pair, None),
    }))
}

/// Two queries that mean the same.
#[track_caller]
fn same(query: &str, other: &str) {
    assert_eq!(transform(query), transform(other), "{query} and {other}");
}

#[test]
fn what_makes_no_sense_is_as_if_not_given() {
    for query in [
        "",
        "w=",
        "w=0",
        "w=-5",
        "w=abc",
        "w=100000000",
        "w=101%",
        "w=-1%",
        "w",
        "h",
        "dpr=9",
        "dpr=-1",
        "dpr=x",
        "fit=",
        "fit=unknown",
        "a=middle",
        "output=jpg2",
        "output=",
        "q=0",
        "q=101",
        "q=high",
        "l=10",
        "l=-1",
        "n=0",
        "n=-2",
        "page=-3",
        "page=100001",
        "trim=0",
        "trim=255",
        "trim=x",
        "bg=zzz",
        "filt=none",
        "mask=none",
        "con=101",
        "bri=100000000",
        "mod=-1,-1",
        "il=false",
        "il=0",
        "we=false",
        "flip=0",
        "crop=1,2,3",
        "delay=-5",
        "loop=-1",
        "gam=0",
        "blur=0",
        "fsol=1",
        "unknown=5",
        "v=123",
    ] {
        assert!(
            transform(query).is_nothing(),
            "{query}: {:?}",
            transform(query)
        );
    }
}

#[test]
fn numbers_are_read_as_c_reads_them() {
    same("w=12abc", "w=12");
    same("w= 12", "w=12");
    same("w=%2512", "");
    same("q=75.9", "q=75");
    same("w=50%25", "w=50%");
    assert_eq!(float("1.5e"), 1.5);
    assert_eq!(float(".5x"), 0.5);
    assert_eq!(float("inf"), -1.0);
    assert_eq!(float("--1"), -1.0);
    assert_eq!(int("99999999999999999999"), -1);
    assert_eq!(int("-7"), -7);
}

#[test]
fn switches_are_on_unless_they_say_no() {
    for text in ["il", "il=", "il=true", "il=1", "il=no", "il=-1"] {
        assert!(transform(text).il, "{text}");
    }
    assert!(transform("").fsol && !transform("fsol=0").fsol);
}

#[test]
fn older_names_of_fits() {
    same("fit=fit&w=1", "we&w=1");
    same("fit=fitup", "fit=inside");
    same("fit=square", "fit=cover");
    same("fit=squaredown", "fit=cover&we");
    same("fit=squaredown&we=false", "fit=cover");
    same("fit=crop-top", "fit=cover");
    same("fit=absolute", "fit=fill");
    same("fit=letterbox", "fit=contain");
    same("crop=20,30,2,3", "cx=2&cy=3&cw=20&ch=30");
}

#[test]
fn adjustments() {
    let of = |query: &str| transform(query).adjust;
    assert_eq!(of("sharp").sharp, Some(Strength::Mild));
    assert_eq!(of("sharp=true").sharp, Some(Strength::Mild));
    assert_eq!(of("sharp=6").sharp, Some(Strength::Sigma(6.0)));
    assert_eq!(
        of("sharp=0.5,2.5,1.5"),
        of("sharp=1.5&sharpf=0.5&sharpj=2.5")
    );
    assert_eq!(of("sharp=-1,-1,-1,-1").sharp, Some(Strength::Mild));
    assert_eq!(of("blur").blur, Some(Strength::Mild));
    assert_eq!(of("blur=0.1").blur, Some(Strength::Mild));
    assert_eq!(of("blur=5").blur, Some(Strength::Sigma(5.0)));
    assert_eq!(of("gam").gam, Some(2.2));
    assert_eq!(of("gam=100000000").gam, Some(2.2));
    assert_eq!(of("gam=3").gam, Some(3.0));
    assert_eq!(of("mod=2,0.5,180").modulate, Some((2.0, 0.5, 180)));
    assert_eq!(of("hue=-240").modulate, Some((1.0, 1.0, 120)));
    assert_eq!(of("mod=2&sat=0.5").modulate, Some((2.0, 0.5, 0)));
    assert_eq!(of("bri=30").bri, 30);
    assert_eq!(
        of("filt=duotone&start=red").filt,
        Some(Filter::Duotone(Colour::opaque(255, 0, 0), DUOTONE.1))
    );
    assert_eq!(of("tint=00FF00").tint, Some(Colour::opaque(0, 255, 0)));
}

#[test]
fn pages_and_trimming() {
    assert_eq!(transform("n=-1").n, Some(Pages::All));
    assert_eq!(transform("n").n, Some(Pages::All));
    assert_eq!(transform("n=3").n, Some(Pages::Count(3)));
    assert_eq!(transform("page=-2").page, Page::Smallest);
    assert_eq!(transform("trim").trim, Some(10));
    assert_eq!(transform("trim=25").trim, Some(25));
    assert_eq!(
        transform("trim&tbg=white").tbg,
        Colour::opaque(255, 255, 255)
    );
    assert_eq!(transform("ro=-3690").ro, -3690);
    assert_eq!(transform("ro").ro, 0);
}

#[test]
fn what_only_shrinks() {
    for (query, expected) in [
        ("w=800", true),
        ("w=800&h=50%&dpr=2&we&q=70", true),
        ("w=800&output=auto", true),
        ("", true),
        ("w=800&output=webp", false),
        ("w=800&fit=cover", false),
        ("w=800&flip", false),
        ("n=-1", false),
    ] {
        assert_eq!(transform(query).only_shrinks(), expected, "{query}");
    }
}
