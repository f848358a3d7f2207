//! Raw samples, written in another format.

use super::assemble::{self, Raw};
use super::table::Table;
use super::{Batch, DataOptions};
use crate::Error;
use crate::arrays::{Array, Element, npy};
use crate::files::write_whole;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::{self, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Which part is written where a file holds one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// The training part.
    #[default]
    Train,
    /// The test part.
    Test,
}

/// The formats, by the end of a file's name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    Npy,
    Npz,
    Idx,
}

const ACTION: &str = "write the data";
const NAMES: &str = "a name that ends in .csv, .npy, .npz, .idx or -ubyte; all but .npz also with .gz";

/// Writes the raw values that `options` name to `out`, in the format that its name says; returns the files written. An npz archive holds
/// both parts; npy and idx have a second file for labels. Fails when the format cannot hold the values.
pub fn convert(options: &DataOptions, out: &Path, part: Part) -> Result<Vec<PathBuf>, Error> {
    let name = out.to_string_lossy().into_owned();
    let bare = name.strip_suffix(".gz").unwrap_or(&name);
    let is_packed = bare.len() < name.len();
    let ends = [("csv", Format::Csv), ("npy", Format::Npy), ("npz", Format::Npz), ("idx", Format::Idx)];
    let format = ends.iter().find(|(end, _)| bare.ends_with(&format!(".{end}"))).map(|&(_, format)| format);
    let format = format.or(bare.ends_with("-ubyte").then_some(Format::Idx));
    let Some(format) = format.filter(|&format| !(is_packed && format == Format::Npz)) else {
        return Err(Error::Flag { flag: "--out", value: name, expected: NAMES });
    };
    let Raw { train, test, .. } = assemble::read(options, None)?;
    if format == Format::Npz {
        write_whole(out, ACTION, |file| write_npz(&train, test.as_ref(), BufWriter::new(file)))?;
        return Ok(vec![out.to_owned()]);
    }
    let table = match part {
        Part::Train => train,
        Part::Test => test.ok_or_else(|| Error::data(&options.data, "has no test part".into()))?,
    };
    if format == Format::Idx {
        check_bytes(&options.data, &table)?;
    }
    let write = |path: &Path, write: &dyn Fn(&mut dyn Write) -> io::Result<()>| {
        write_whole(path, ACTION, |file| {
            let mut out = BufWriter::new(file);
            if is_packed {
                let mut packed = GzEncoder::new(&mut out, Compression::default());
                write(&mut packed)?;
                packed.finish()?;
            } else {
                write(&mut out)?;
            }
            out.flush()
        })
    };
    if format == Format::Csv {
        write(out, &|out| write_csv(&table, out))?;
        return Ok(vec![out.to_owned()]);
    }
    write(out, &|out| if format == Format::Npy { write_npy(&table, out) } else { write_idx(&table, out) })?;
    if table.labels.is_empty() {
        return Ok(vec![out.to_owned()]);
    }
    let labels = beside(out, bare, is_packed);
    write(&labels, &|out| {
        if format == Format::Npy { write_npy_labels(&table, out) } else { write_idx_labels(&table, out) }
    })?;
    Ok(vec![out.to_owned(), labels])
}

/// The file of the labels: by the name's own pattern where it has one, as MNIST's, else the name with `-labels`.
fn beside(out: &Path, bare: &str, is_packed: bool) -> PathBuf {
    let file = Path::new(bare).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let labels = if file.contains("images") {
        file.replace("images", "labels").replace("idx3", "idx1")
    } else {
        let (stem, end) = file.rsplit_once('.').unwrap_or((&file, "idx"));
        format!("{stem}-labels.{end}")
    };
    out.with_file_name(labels + if is_packed { ".gz" } else { "" })
}

/// Gives the samples piece by piece.
fn pieces(table: &Table, mut write: impl FnMut(usize, &Batch) -> io::Result<()>) -> io::Result<()> {
    let mut first = 0;
    for piece in table.rows.pieces() {
        let piece = piece.map_err(io::Error::other)?;
        write(first, &piece)?;
        first += piece.rows();
    }
    Ok(())
}

fn write_csv(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    let mut lines = csv::Writer::from_writer(out);
    let (units, visible) = (table.units(), table.rows.visible());
    let mut names: Vec<String> = (0..visible)
        .map(|place| {
            let name =
                if table.channels.is_empty() { format!("value{place}") } else { table.column_name(place % units) };
            if visible > units { format!("{name}[{}]", place / units) } else { name }
        })
        .collect();
    if !table.labels.is_empty() {
        names.push("label".into());
    }
    lines.write_record(&names)?;
    pieces(table, |first, piece| {
        for (row, sample) in (first..).zip(piece.iter()) {
            for value in sample {
                lines.write_field(if value.is_nan() { String::new() } else { value.to_string() })?;
            }
            if let Some(&label) = table.labels.get(row) {
                lines.write_field(&table.classes[usize::from(label)])?;
            }
            lines.write_record(None::<&[u8]>)?;
        }
        Ok(())
    })?;
    lines.flush()
}

/// The shape of the inputs: images keep theirs.
fn shape(table: &Table) -> Vec<usize> {
    let rows = table.rows.rows();
    table.image.map_or_else(|| vec![rows, table.rows.visible()], |image| vec![rows, image.height, image.width])
}

fn write_npy(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    let element = if table.max_level.is_some() { Element::U8 } else { Element::F32 };
    write_npy_header(element, shape(table), out)?;
    pieces(table, |_, piece| match element {
        Element::U8 => out.write_all(&bytes(piece)),
        _ => piece.values.iter().try_for_each(|value| out.write_all(&value.to_le_bytes())),
    })
}

fn write_npy_labels(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    write_npy_header(Element::U16, vec![table.labels.len()], out)?;
    table.labels.iter().try_for_each(|label| out.write_all(&label.to_le_bytes()))
}

/// An array's header; its elements follow.
fn write_npy_header(element: Element, shape: Vec<usize>, mut out: &mut dyn Write) -> io::Result<()> {
    npy::write(&Array { element, shape, bytes: Vec::new() }, &mut out)
}

fn write_npz(train: &Table, test: Option<&Table>, out: impl Write + Seek) -> io::Result<()> {
    let mut zip = ZipWriter::new(out);
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default())
        .large_file(true);
    for (part, table) in [("train", Some(train)), ("test", test)] {
        let Some(table) = table else { continue };
        zip.start_file(format!("x_{part}.npy"), options)?;
        write_npy(table, &mut zip)?;
        if !table.labels.is_empty() {
            zip.start_file(format!("y_{part}.npy"), options)?;
            write_npy_labels(table, &mut zip)?;
        }
    }
    zip.finish()?.flush()
}

fn write_idx(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    write_idx_header(&shape(table), out)?;
    pieces(table, |_, piece| out.write_all(&bytes(piece)))
}

fn write_idx_labels(table: &Table, out: &mut dyn Write) -> io::Result<()> {
    write_idx_header(&[table.labels.len()], out)?;
    out.write_all(&table.labels.iter().map(|&label| label as u8).collect::<Vec<_>>())
}

/// Magic and dimensions of an idx file of bytes.
fn write_idx_header(shape: &[usize], out: &mut dyn Write) -> io::Result<()> {
    out.write_all(&[0, 0, 8, shape.len() as u8])?;
    shape.iter().try_for_each(|&size| out.write_all(&(size as u32).to_be_bytes()))
}

fn bytes(piece: &Batch) -> Vec<u8> {
    piece.values.iter().map(|&value| value as u8).collect()
}

/// Fails where a value or label is no byte.
fn check_bytes(name: &str, table: &Table) -> Result<(), Error> {
    let no_byte = |what: String| Err(Error::data(name, format!("{what} is no byte, which idx files hold")));
    if let Some(label) = table.labels.iter().find(|&&label| label > 255) {
        return no_byte(format!("label {label}"));
    }
    for piece in table.rows.pieces() {
        let is_byte = |value: &&f32| (0.0..=255.0).contains(*value) && value.fract() == 0.0;
        if let Some(value) = piece?.values.iter().find(|value| !is_byte(value)) {
            return no_byte(format!("value {value}"));
        }
    }
    Ok(())
}
