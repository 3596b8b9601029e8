//! Chooses the route for JPEG: libjpeg-turbo's code in C is the faster one with its assembly, and the
//! slower one without.
#![expect(
    clippy::disallowed_methods,
    reason = "cargo tells by the environment what is built"
)]

use std::env;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-check-cfg=cfg(jpeg_in_c)");
    if env::var_os("CARGO_FEATURE_MOZJPEG").is_none() {
        return;
    }
    let arch = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    let needs_nasm = matches!(arch.as_str(), "x86" | "x86_64");
    if needs_nasm && !has_nasm() {
        println!(
            "cargo:warning=nasm is missing: JPEG goes through the slower code in Rust; install nasm, \
             run `cargo clean -p mozjpeg-sys -p feedwright` and build again"
        );
    } else {
        println!("cargo:rustc-cfg=jpeg_in_c");
    }
}

/// As `mozjpeg-sys` looks for it.
fn has_nasm() -> bool {
    let told = Command::new("nasm").arg("-v").output();
    told.is_ok_and(|told| !String::from_utf8_lossy(&told.stdout).contains("NASM version 0."))
}
