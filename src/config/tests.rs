use super::*;
#[test]
fn show() {
    for text in [
        "[server]\nlistn = 'x'\nlisten='y'\n[[feed]]\nname='DW'\nurl='ftp://x'\nrefresh='30'\n[[feed]]\nurl='http://a:b@c/'\nheaders={ Host='x', Authorization={env='NOPE'}, Zed = 5, cookie=[1] }\n",
        "[feed]\nname='a'\n[[server]]\n[x]\n[[store.y]]\n",
        "a = 1\na = 2\nb = \"x\ncookies = 'abc\n[c",
        "defaults.images = 'builtin'\nfeed=[{name='a',url='http://x/'},{name='a',url='http://x', header=\"\"\"a\nb\"\"\", refresh=5}]\n[image_proxy]\nnone.template = 'x'\nb=5\n[image_proxy.c]\n",
        "[feed",
        "",
    ] {
        let r = parse(
            "f.toml",
            text,
            [
                ("FEEDWRIGHT_SERVER_INDEX".into(), "yes".to_string()),
                ("FEEDWRIGHT_FOO".into(), "yes".to_string()),
            ],
        );
        println!("{}\n======\n", r.unwrap_err());
    }
}
