//! A report's charts and pictures as files of their own.

use super::{Item, Report};
use crate::Error;
use crate::files::write_whole;
use std::io::Write;
use std::path::Path;

/// Writes them, numbered as they come; returns their names.
pub(super) fn write(report: &Report, folder: &Path) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for item in report.sections.iter().flat_map(|section| &section.items) {
        let name = |title: &str, extension| format!("{:02}-{}.{extension}", names.len() + 1, slug(title));
        match item {
            Item::Chart(chart) => {
                let Some(svg) = chart.svg() else { continue };
                let name = name(&chart.title, "svg");
                write_whole(&folder.join(&name), "write the chart", |file| file.write_all(svg.as_bytes()))?;
                names.push(name);
            }
            Item::Picture { title, words, picture } => {
                // Too large for viewers: the page says so.
                let Ok(png) = picture.png(words) else { continue };
                let name = name(title, "png");
                write_whole(&folder.join(&name), "write the picture", |file| file.write_all(&png))?;
                names.push(name);
            }
            Item::Table(_) | Item::Warning(_) | Item::Code { .. } => {}
        }
    }
    Ok(names)
}

/// A title as part of a file's name.
fn slug(title: &str) -> String {
    let plain: String =
        title.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    plain.split('-').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn titles_become_names() {
        assert_eq!(slug("Free energy, training & test (F/nats)"), "free-energy-training-test-f-nats");
    }
}
