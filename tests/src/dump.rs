//! Hex dumps in the specifications, which tests compare with what is written.

/// The bytes of the hex dump in `specification` whose code block is named `name`. A line is
/// `offset: bytes ; what they are`.
///
/// # Panics
/// When there is no such block, or an offset is not where the bytes before it end.
pub fn dump(specification: &str, name: &str) -> Vec<u8> {
    let (_, block) = specification.split_once(&format!("```text {name}\n")).expect("the named code block");
    let (block, _) = block.split_once("```").expect("the end of the code block");
    let mut bytes = Vec::new();
    for line in block.lines() {
        let (offset, rest) = line.split_once(':').expect("an offset");
        let offset = usize::from_str_radix(offset, 16).expect("a hexadecimal offset");
        assert_eq!(offset, bytes.len(), "{line}");
        let (hex, _) = rest.split_once(';').unwrap_or((rest, ""));
        bytes.extend(hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).expect("a byte")));
    }
    bytes
}
