//! Upstream bytes to UTF-8 text, as they come in.

/// Turns the bytes of one document into UTF-8 text.
#[derive(Debug)]
pub struct Decoder {
    charset: Option<&'static str>,
    bytes: Vec<u8>,
}

impl Decoder {
    /// `http_charset` is the `charset` parameter of the Content-Type, as it was written.
    pub fn new(_http_charset: Option<&str>) -> Self {
        Self {
            charset: None,
            bytes: Vec::new(),
        }
    }

    /// Decodes the next bytes onto the end of `out`; some may be held back.
    pub fn push(&mut self, bytes: &[u8], _out: &mut String) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The document has ended: decodes what was held back.
    pub fn finish(&mut self, out: &mut String) {
        out.push_str(&String::from_utf8_lossy(&self.bytes));
        self.charset = Some("UTF-8");
    }

    /// The charset that was settled on, `None` while all bytes so far were ASCII.
    pub fn charset(&self) -> Option<&'static str> {
        self.charset
    }
}
