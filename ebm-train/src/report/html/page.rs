//! A report as HTML: no script, nothing fetched, pictures and charts inside.

use super::{Cell, Figure, Item, Report, Section, Table};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use std::fmt::Write as _;

const STYLE: &str = include_str!("style.css");

/// The whole page.
pub(super) fn html(report: &Report) -> String {
    let title = escaped(&report.title);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n<p>{}</p>\n</header>\n<main>\n",
        escaped(&report.words)
    );
    if !report.figures.is_empty() {
        page += "<section class=\"figures\">\n";
        report.figures.iter().for_each(|figure| page += &tile(figure));
        page += "</section>\n";
    }
    for section in &report.sections {
        page += &self::section(section);
    }
    page + "</main>\n</body>\n</html>\n"
}

fn tile(Figure { name, value, note }: &Figure) -> String {
    let (name, value, note) = (escaped(name), escaped(value), escaped(note));
    format!(
        "<div class=\"tile\"><p class=\"name\">{name}</p><p class=\"value\">{value}</p><p class=\"note\">{note}</p></div>\n"
    )
}

fn section(Section { title, words, items }: &Section) -> String {
    let mut text = format!("<section>\n<h2>{}</h2>\n", escaped(title));
    if !words.is_empty() {
        let _ = writeln!(text, "<p>{}</p>", escaped(words));
    }
    text += "<div class=\"items\">\n";
    for item in items {
        text += &self::item(item);
    }
    text + "</div>\n</section>\n"
}

fn item(item: &Item) -> String {
    match item {
        Item::Chart(chart) => match chart.svg() {
            Some(svg) => {
                let title = escaped(&chart.title);
                let svg = svg.replacen("<svg ", &format!("<svg role=\"img\" aria-label=\"{title}\" "), 1);
                format!("<figure class=\"chart\"><figcaption>{title}</figcaption>{svg}</figure>\n")
            }
            None => String::new(),
        },
        Item::Picture { title, words, picture } => {
            let png = match picture.png(words) {
                Ok(png) => BASE64_STANDARD.encode(png),
                // Samples of very many values: the rest of the page is none the worse.
                Err(error) => return warning(&format!("{title}: not shown: {error}")),
            };
            let (title, words, width) = (escaped(title), escaped(words), picture.width);
            format!(
                "<figure class=\"picture\"><figcaption>{title}</figcaption><img style=\"width:{width}px\" alt=\"{title}\" src=\"data:image/png;base64,{png}\">\
                 <p class=\"note\">{words}</p></figure>\n"
            )
        }
        Item::Table(table) => self::table(table),
        Item::Warning(words) => warning(words),
        Item::Code { title, text } => {
            format!("<div class=\"code\"><p class=\"name\">{}</p><pre>{}</pre></div>\n", escaped(title), escaped(text))
        }
    }
}

fn warning(words: &str) -> String {
    format!("<p class=\"warning\">{}</p>\n", escaped(words))
}

fn table(Table { title, columns, rows, folded }: &Table) -> String {
    let mut text = String::from("<div class=\"scroll\"><table>\n<thead><tr>");
    columns.iter().for_each(|column| text += &format!("<th scope=\"col\">{}</th>", escaped(column)));
    text += "</tr></thead>\n<tbody>\n";
    for row in rows {
        text += "<tr>";
        for (index, Cell { text: words, shade }) in row.iter().enumerate() {
            let words = escaped(words);
            text += &match (index, *shade > 0.0) {
                (0, _) => format!("<th scope=\"row\">{words}</th>"),
                (_, false) => format!("<td>{words}</td>"),
                (_, true) => format!("<td style=\"background:rgba(0,114,178,{:.3})\">{words}</td>", shade.min(1.0)),
            };
        }
        text += "</tr>\n";
    }
    text += "</tbody>\n</table></div>";
    let title = escaped(title);
    if *folded {
        format!("<details class=\"table\"><summary>{title}</summary>{text}</details>\n")
    } else {
        format!("<div class=\"table\"><p class=\"name\">{title}</p>{text}</div>\n")
    }
}

/// Text that stands in a page as it is.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::picture::Picture;

    #[test]
    fn words_from_outside_stay_words() {
        let cell = Cell { text: "<script>alert(\"&\")</script>".to_owned(), shade: 0.5 };
        let table = Table { columns: vec!["a<b".into()], rows: vec![vec!["x".into(), cell]], ..Table::default() };
        let items = vec![Item::Table(table), Item::Warning("1 < 2".to_owned())];
        let section = Section { title: "\"quoted\"".into(), items, ..Section::default() };
        let page = html(&Report { title: "a & b".into(), sections: vec![section], ..Report::default() });
        assert!(
            !page.contains("<script") && page.contains("&lt;script&gt;alert(&quot;&amp;&quot;)&lt;/script&gt;"),
            "{page}"
        );
        assert!(page.contains("<title>a &amp; b</title>") && page.contains("a&lt;b") && page.contains("1 &lt; 2"));
    }
    #[test]
    fn a_picture_that_no_viewer_shows_is_told_of() {
        let picture = Picture { width: 1 << 20, height: 1, pixels: vec![0; 3 << 20] };
        let item = Item::Picture { title: "Filters".into(), words: String::new(), picture };
        let section = Section { title: "Wide".into(), items: vec![item], ..Section::default() };
        let page = html(&Report { sections: vec![section], ..Report::default() });
        assert!(page.contains("<p class=\"warning\">Filters: not shown: ") && !page.contains("<img"), "{page}");
    }
}
