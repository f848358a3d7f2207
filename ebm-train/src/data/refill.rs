//! [`Refill`]: a table of text written again, with other contents for some of its cells.

use super::columns::Columns;
use super::csv::Lines;
use super::reader::Reader;
use super::steady::Stamp;
use super::table::Names;
use super::windows::Windows;
use super::{DataOptions, Dataset, Spec};
use crate::Error;
use csv::{StringRecord, Trim, WriterBuilder};
use std::path::PathBuf;
use std::{fs, io};

/// The table of text that a data set's measured samples are read from.
pub struct Refill {
    file: PathBuf,
    options: DataOptions,
    stamp: Option<Stamp>,
}

impl Refill {
    /// The table that will hold [`Dataset::measured`] of what `options` name; `None` where that is no CSV. To be made before the data are read, so that
    /// a table that is another one afterwards is refused. Fails when `options` name no data.
    pub fn new(options: DataOptions) -> Result<Option<Self>, Error> {
        let spec = match &options.test {
            Some(text) => Spec::parse("--test", text)?,
            None => Spec::parse("--data", &options.data)?,
        };
        let Spec::Csv { file } = spec else { return Ok(None) };
        let stamp = fs::metadata(&file).ok().and_then(|metadata| Stamp::of(&metadata));
        Ok(Some(Self { file, options, stamp }))
    }

    /// The rows, from 0, that each measured sample is made of: one, or those of its window. Fails where the file can no longer be read, or
    /// is another one.
    pub fn rows_of_samples(&self, dataset: &Dataset) -> Result<Vec<Vec<usize>>, Error> {
        let (size, mixed) = (self.options.window.unwrap_or(1), self.options.mixed_windows);
        let mut windows = Windows::new(size, self.options.hop.unwrap_or(size), mixed);
        let (mut labels, mut groups, mut samples) = (Names::default(), Names::default(), Vec::new());
        let (mut lines, columns) = self.lines(dataset, Trim::All)?;
        let mut row = 0usize;
        while let Some(record) = lines.next()? {
            let group = columns.group.map_or(0, |column| groups.number(&record[column]));
            let label = columns.label.map(|column| labels.number(&record[column]) as u16);
            // A row's number in two halves, each of which f32 holds exactly.
            let halves = [(row >> 16) as f32, (row & 0xFFFF) as f32];
            windows.push(group, &halves, label, |values, _| {
                samples.push(values.chunks_exact(2).map(|half| (half[0] as usize) << 16 | half[1] as usize).collect());
                Ok::<(), Error>(())
            })?;
            row += 1;
        }
        Ok(dataset.rows.iter().filter_map(|&number| samples.get(number as usize).cloned()).collect())
    }

    /// Writes the table with `cell(row, channel)` in the place of what it has there, and all else as it was read; both count from 0, rows among those of
    /// the table. Fails when the file cannot be read again, or `out` takes no more.
    pub fn write(
        &self,
        dataset: &Dataset,
        out: &mut impl io::Write,
        mut cell: impl FnMut(usize, usize) -> Option<String>,
    ) -> Result<(), Error> {
        let (mut lines, columns) = self.lines(dataset, Trim::None)?;
        let mut writer = WriterBuilder::new().delimiter(lines.delimiter).from_writer(out);
        let failed = |error: csv::Error| Error::file(&self.file, "write the table again")(error.into());
        if let Some(header) = &lines.header {
            writer.write_record(header).map_err(failed)?;
        }
        let mut row = 0;
        while let Some(record) = lines.next()? {
            let mut cells: Vec<String> = record.iter().map(str::to_owned).collect();
            for (channel, input) in columns.inputs.iter().enumerate() {
                if let Some(content) = cell(row, channel) {
                    cells[input.column] = content;
                }
            }
            writer.write_record(&StringRecord::from(cells)).map_err(failed)?;
            row += 1;
        }
        writer.flush().map_err(Error::file(&self.file, "write the table again"))
    }

    fn lines(&self, dataset: &Dataset, trim: Trim) -> Result<(Lines<'_>, Columns), Error> {
        let reader = Reader::open(&self.file)?;
        if reader.stamp != self.stamp {
            return Err(reader.origin.problem("was changed since its samples were read; try again"));
        }
        Lines::open(reader, &self.options, &dataset.channels, trim)
    }
}
