//! What the firmware takes of a board's flash and RAM, read from the linked program.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use object::read::elf::ElfFile32;
use object::{Endianness, Object, ObjectSection, SectionFlags, SectionKind, elf};

use crate::board::Board;
use crate::console::say;
use crate::firmware::{self, Contents, Which};
use crate::model::Model;
use crate::toolchain::Cross;

/// Bytes by what they hold.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Size {
    /// Instructions and what the hardware reads as such.
    pub code: u64,
    /// Constants and initial values.
    pub constants: u64,
    model: u64,
    test_data: u64,
    /// RAM that is taken for good.
    pub static_ram: u64,
}

/// Prints the size of the firmware's programs; true where they keep to the board's budget.
pub fn run(board: &Board, model: &Model) -> Result<bool> {
    let cross = Cross::require(&board.description.triple)?;
    let mut good = true;
    let names = firmware::names()?;
    let which: Vec<Which<'_>> = names.iter().map(|name| Which::Program(name)).collect();
    for program in firmware::build(board, &cross, &Contents::for_board(board, model)?, &which)? {
        let size = read(&program.elf)?;
        say!("== {} on {}", program.name, board.name);
        good &= report(&size, board);
    }
    Ok(good)
}

/// Adds up the sections of a linked program by what they hold.
pub fn read(path: &Path) -> Result<Size> {
    let reading = || format!("cannot read {}", path.display());
    let bytes = fs::read(path).with_context(reading)?;
    let file = ElfFile32::<Endianness>::parse(&*bytes).with_context(reading)?;
    let mut size = Size::default();
    for section in file.sections() {
        let SectionFlags::Elf { sh_flags, .. } = section.flags() else {
            continue;
        };
        if sh_flags.0 & elf::SHF_ALLOC.0 != 0 {
            let name = section.name().with_context(reading)?;
            size.add(name, section.kind(), section.size());
        }
    }
    Ok(size)
}

impl Size {
    fn add(&mut self, name: &str, kind: SectionKind, bytes: u64) {
        match (name, kind) {
            // What is left of RAM, which riscv-rt makes sections of, and addresses of instructions that esp-hal leaves to data.
            (".stack" | ".heap" | ".rotext_dummy" | ".rotext_ebm_dummy", _) => {}
            (".ebm_model" | ".ebm_slots", _) => self.model += bytes,
            (".ebm_test_data", _) => self.test_data += bytes,
            // In RAM, and its initial values in flash; instructions that run from RAM are among them.
            (".data", _) | (_, SectionKind::Data) => {
                self.constants += bytes;
                self.static_ram += bytes;
            }
            // Read by the hardware, as instructions are.
            (".vector_table", _) | (_, SectionKind::Text) => self.code += bytes,
            (_, SectionKind::UninitializedData) => self.static_ram += bytes,
            _ => self.constants += bytes,
        }
    }

    /// All of it that lies in flash.
    pub fn flash(&self) -> u64 {
        self.code + self.constants + self.model + self.test_data
    }
}

/// Prints a program's size beside the budget; true where it keeps to it.
fn report(size: &Size, board: &Board) -> bool {
    let budget = &board.description.budget;
    let rows = [
        ("code", size.code, None),
        ("constants", size.constants, None),
        ("code and constants", size.code + size.constants, Some(budget.code_bytes)),
        ("model", size.model, None),
        ("test data", size.test_data, None),
        ("flash", size.flash(), Some(budget.flash_bytes)),
        ("static RAM", size.static_ram, Some(budget.static_ram_bytes)),
        ("RAM with the stack", size.static_ram + budget.stack_bytes, Some(budget.ram_bytes)),
    ];
    let mut good = true;
    for (what, bytes, budget) in rows {
        let verdict = match budget {
            None => String::new(),
            Some(budget) if bytes <= budget => format!("of {budget:>9}"),
            Some(budget) => {
                good = false;
                format!("of {budget:>9}  OVER THE BUDGET")
            }
        };
        say!("   {}", format!("{what:<19}{bytes:>9} bytes  {verdict}").trim_end());
    }
    good
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_count_where_they_lie() {
        let mut size = Size::default();
        size.add(".vector_table", SectionKind::ReadOnlyData, 1);
        size.add(".text", SectionKind::Text, 2);
        size.add(".rodata", SectionKind::ReadOnlyData, 4);
        size.add(".ebm_model", SectionKind::ReadOnlyData, 8);
        size.add(".ebm_test_data", SectionKind::ReadOnlyData, 16);
        size.add(".data", SectionKind::Text, 32);
        size.add(".bss", SectionKind::UninitializedData, 64);
        size.add(".stack", SectionKind::UninitializedData, 128);
        let expected = Size { code: 3, constants: 36, model: 8, test_data: 16, static_ram: 96 };
        assert_eq!(size, expected);
        assert_eq!(size.flash(), 63);
    }
}
