//! Writes a board's file of `data/boards` from what was measured: `cargo xtask costs` measures and calls it.
//!
//! `board_costs MEASURED.json BOARD.toml`; prints the largest errors of the prices that it fits.

use ebm_train::board::measured::Measured;
use std::error::Error;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(measured), Some(out)) = (arguments.next(), arguments.next()) else {
        return Err("usage: board_costs MEASURED.json BOARD.toml".into());
    };
    let measured: Measured = serde_json::from_slice(&fs::read(measured)?)?;
    let (board, largest) = measured.fitted()?;
    for largest in largest {
        println!("   {:<48} {:+6.2} %  {}", largest.what, 100.0 * largest.error, largest.net);
    }
    let text = format!("# Written by `cargo xtask costs --overwrite`.\n{}", toml::to_string(&board)?);
    Ok(fs::write(out, text)?)
}
