//! What is linked in a program: by its symbols, and by its instructions.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use object::read::elf::ElfFile32;
use object::{Architecture, Endianness, Object, ObjectSection, ObjectSymbol, SectionKind};

/// What there is to say of a linked program.
#[derive(Debug, Default, PartialEq)]
pub struct Linked {
    /// Names of functions that panic or that only a panic calls.
    pub panics: Vec<String>,
    /// Names of functions that do floating point without a unit for it.
    pub soft_float: Vec<String>,
    /// Number of instructions that compute in a floating-point unit, not of those that only move what a register of its holds: the
    /// compiler keeps integers there too. Counted on Arm alone: our other processors have no such unit.
    pub float_instructions: usize,
}

/// Looks at a linked program.
pub fn read(path: &Path) -> Result<Linked> {
    let reading = || format!("cannot read {}", path.display());
    let bytes = fs::read(path).with_context(reading)?;
    let file = ElfFile32::<Endianness>::parse(&*bytes).with_context(reading)?;
    let mut linked = Linked::default();
    for symbol in file.symbols() {
        let name = symbol.name().with_context(reading)?;
        // Mapping symbols and files' names are no functions.
        if name.is_empty() || !symbol.is_definition() {
            continue;
        }
        if is_panic(name) {
            linked.panics.push(name.to_owned());
        }
        if is_soft_float(name) {
            linked.soft_float.push(name.to_owned());
        }
    }
    if file.architecture() == Architecture::Arm {
        linked.float_instructions = float_instructions(&file).with_context(reading)?;
    }
    Ok(linked)
}

/// Is it a function that panics, by its mangled name?
fn is_panic(name: &str) -> bool {
    // The handler of examples/bare.rs is `panic_is_linked`, and core's functions are of `core::panicking`.
    ["panic_is_linked", "9panicking", "rust_begin_unwind"].iter().any(|part| name.contains(part))
}

/// Is it one of the compiler's routines for floating point, or of a library's? By the names of the Arm run-time ABI, of libgcc, and of
/// mangled Rust.
fn is_soft_float(name: &str) -> bool {
    if let Some(routine) = name.strip_prefix("__aeabi_") {
        // `fadd`, `dmul`, `cfcmple`, `h2f`; `i2f`, `ul2d`, `f2iz`.
        return routine.starts_with(['f', 'd', 'h'])
            || routine.starts_with("cf")
            || routine.starts_with("cd")
            || routine.contains("2f")
            || routine.contains("2d");
    }
    if let Some(routine) = name.strip_prefix("__") {
        // `addsf3`, `floatsisf`, `fixdfsi`, `extendsfdf2`.
        let is_plain = routine.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        return is_plain && ["hf", "sf", "df", "tf"].iter().any(|mode| routine.contains(mode));
    }
    let is_rust = name.starts_with("_ZN") || name.starts_with("_R");
    is_rust && ["compiler_builtins5float", "9micromath", "4libm"].iter().any(|part| name.contains(part))
}

/// Instructions that compute in the floating-point unit, in all code sections.
fn float_instructions(file: &ElfFile32<'_, Endianness>) -> object::Result<usize> {
    let mut count = 0;
    for section in file.sections().filter(|section| section.kind() == SectionKind::Text) {
        let code = section.data()?;
        // `$t` begins instructions, `$d` data.
        let mut marks: Vec<(u64, bool)> = Vec::new();
        for symbol in file.symbols().filter(|symbol| symbol.section_index() == Some(section.index())) {
            let name = symbol.name()?;
            let is_mark =
                |mark: &str| name.strip_prefix(mark).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
            if is_mark("$t") || is_mark("$d") {
                marks.push((symbol.address() - section.address(), name.starts_with("$t")));
            }
        }
        marks.sort_unstable();
        let ends = marks.iter().skip(1).map(|mark| mark.0).chain([code.len() as u64]);
        for (&(start, is_code), end) in marks.iter().zip(ends) {
            if is_code {
                let code = code.get(start as usize..end as usize).unwrap_or_default();
                count += float_instructions_of(code);
            }
        }
    }
    Ok(count)
}

/// Instructions that compute in the floating-point unit, in a run of Thumb code.
fn float_instructions_of(code: &[u8]) -> usize {
    let mut halfwords = code.as_chunks().0.iter().map(|&bytes| u16::from_le_bytes(bytes));
    let mut count = 0;
    while let Some(first) = halfwords.next() {
        // 32-bit instructions begin with 0b11101, 0b11110 or 0b11111 (Arm ARM, A5.1).
        if first >> 11 < 0b11101 {
            continue;
        }
        let second = halfwords.next().unwrap_or_default();
        // Data processing of a coprocessor is 0b111x1110… with bit 4 of the second half clear, and coprocessors 10 and 11 are the
        // floating-point unit (Armv7-M ARM, A5.3.18).
        let is_processing = first & 0xEF00 == 0xEE00 && second & 0x10 == 0;
        count += usize::from(is_processing && matches!(second >> 8 & 0xF, 10 | 11));
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_float_is_told_from_integer_routines() {
        for name in
            ["__aeabi_fadd", "__aeabi_ui2f", "__aeabi_d2iz", "__aeabi_cfcmple", "__addsf3", "__floatunsisf", "__ltdf2"]
        {
            assert!(is_soft_float(name), "{name}");
        }
        for name in
            ["__aeabi_memcpy4", "__aeabi_uidivmod", "__aeabi_lmul", "__udivmodsi4", "__ebm_ram_start", "__sdata"]
        {
            assert!(!is_soft_float(name), "{name}");
        }
    }

    #[test]
    fn float_instructions_are_counted() {
        // vadd.f32 s0, s0, s1; movs r0, #1; ldr.w r0, [r0]; vldr s0, [r0]; vmov s16, r2
        let code = [
            0x30, 0xEE, 0x20, 0x0A, 0x01, 0x20, 0xD0, 0xF8, 0x00, 0x00, 0x90, 0xED, 0x00, 0x0A, 0x08, 0xEE, 0x10, 0x2A,
        ];
        assert_eq!(float_instructions_of(&code), 1);
    }
}
