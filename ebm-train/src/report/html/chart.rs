//! [`Chart`]: lines, bands and bars over two axes, as SVG.

use plotters::prelude::*;
use plotters::style::FontTransform;
use std::ops::Range;

/// Width and height in SVG's units: twice the pixels that a page usually gives it, as coordinates are whole numbers.
const SIZE: (u32, u32) = (880, 560);
/// Height of a line that says which colour is what, and where it begins.
const LEGEND: i32 = 40;
const LEGEND_LEFT: i32 = 24;
/// Letters of labels, and about how wide one is.
const TEXT: u32 = 28;
const LETTER: i32 = 14;
/// Points of a line are marked where it has at most so many.
const MARKED: usize = 40;
/// Colours that are told apart by those who see few, too (Okabe & Ito 2008), in the order of the series.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];
const INK: RGBColor = RGBColor(60, 66, 74);
const GRID: RGBColor = RGBColor(228, 231, 235);

/// A chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// What its axes are, with units.
    pub axes: [String; 2],
    /// What is drawn, the first undermost.
    pub series: Vec<Series>,
    /// The parts of the axes that are shown whatever the points are.
    pub shown: [Option<Range<f64>>; 2],
}

/// Points of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What the legend calls it; nothing for none.
    pub name: String,
    /// How it is drawn.
    pub mark: Mark,
    /// Pairs of x and y, x rising. Those that are not finite are passed over.
    pub points: Vec<[f64; 2]>,
    /// Number of its colour.
    pub colour: usize,
}

/// How points are drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// A line through them.
    Line,
    /// A dashed line through them.
    Dashed,
    /// The area between them and as many others at the same places.
    Band(Vec<f64>),
    /// Bars up from zero, so wide, each beginning at its point.
    Bars(f64),
}

impl Chart {
    /// The chart as an SVG document; `None` without a point.
    pub fn svg(&self) -> Option<String> {
        let [x, y] = self.ranges()?;
        let mut svg = String::new();
        // Drawing into a string does not fail.
        self.draw(SVGBackend::with_string(&mut svg, SIZE), [x, y]).ok()?;
        Some(svg)
    }

    fn draw<'a>(
        &self,
        backend: SVGBackend<'a>,
        [x, y]: [Range<f64>; 2],
    ) -> Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>> {
        let root = backend.into_drawing_area();
        root.fill(&WHITE)?;
        let places = self.legend();
        let (legend, plot) = root.split_vertically(places.last().map_or(0, |(_, [_, top])| top + LEGEND));
        for (series, [left, top]) in places {
            let dashes = if series.mark == Mark::Dashed { &[[0, 10], [16, 26]][..] } else { &[[0, 26]] };
            for [start, end] in dashes {
                let corners = [(left + start, top + 14), (left + end, top + 26)];
                legend.draw(&Rectangle::new(corners, series.colour().filled()))?;
            }
            legend.draw(&Text::new(series.name.clone(), (left + 36, top + 8), text()))?;
        }
        let [x_format, y_format] = [labels(&x), labels(&y)];
        // Labels along the y axis are no longer than those of its ends, but for a sign and a decimal or two.
        let letters = [y.start, y.end].map(|end| y_format(&end).chars().count()).into_iter().max().unwrap_or(0);
        let mut chart = ChartBuilder::on(&plot)
            .margin(12)
            .margin_right(28)
            .x_label_area_size(74)
            .y_label_area_size(70 + LETTER * letters.max(3) as i32)
            .build_cartesian_2d(x, y)?;
        chart
            .configure_mesh()
            .x_labels(6)
            .y_labels(6)
            .x_desc(&self.axes[0])
            .y_desc(&self.axes[1])
            .x_label_formatter(&x_format)
            .y_label_formatter(&y_format)
            .label_style(text())
            .axis_desc_style(text())
            .axis_style(INK)
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .draw()?;
        for series in &self.series {
            let points = series.finite();
            let line = series.colour().stroke_width(4);
            match &series.mark {
                Mark::Line => {
                    if points.len() <= MARKED {
                        chart.draw_series(points.iter().map(|&at| Circle::new(at, 6, series.colour().filled())))?;
                    }
                    chart.draw_series(LineSeries::new(points, line))?;
                }
                Mark::Dashed => {
                    chart.draw_series(DashedLineSeries::new(points, 14, 10, line))?;
                }
                Mark::Band(others) => {
                    let back = series.points.iter().zip(others).map(|([x, _], y)| (*x, *y)).rev();
                    let outline: Vec<_> = points.into_iter().chain(back.filter(|(_, y)| y.is_finite())).collect();
                    chart.draw_series([Polygon::new(outline, series.colour().mix(0.25))])?;
                }
                Mark::Bars(width) => {
                    let bar = |(x, y): (f64, f64)| {
                        Rectangle::new([(x, 0.0), (x + width, y)], series.colour().mix(0.6).filled())
                    };
                    chart.draw_series(points.into_iter().map(bar))?;
                }
            }
        }
        root.present()
    }

    /// The series that have a name, and where it stands: in as many lines as it takes.
    fn legend(&self) -> Vec<(&Series, [i32; 2])> {
        let [mut left, mut top] = [LEGEND_LEFT, 0];
        let mut places = Vec::new();
        for series in self.series.iter().filter(|series| !series.name.is_empty()) {
            let width = 60 + LETTER * series.name.chars().count() as i32;
            if left > LEGEND_LEFT && left + width > SIZE.0 as i32 {
                [left, top] = [LEGEND_LEFT, top + LEGEND];
            }
            places.push((series, [left, top]));
            left += width;
        }
        places
    }

    /// What of the axes is shown: every point, and a little more.
    fn ranges(&self) -> Option<[Range<f64>; 2]> {
        let mut least = [f64::INFINITY; 2];
        let mut greatest = [f64::NEG_INFINITY; 2];
        let mut meet = |at: [f64; 2]| {
            if at.iter().all(|value| value.is_finite()) {
                least = [least[0].min(at[0]), least[1].min(at[1])];
                greatest = [greatest[0].max(at[0]), greatest[1].max(at[1])];
            }
        };
        for Series { points, mark, .. } in &self.series {
            points.iter().for_each(|at| meet(*at));
            match mark {
                Mark::Bars(width) => points.iter().for_each(|[x, _]| meet([x + width, 0.0])),
                Mark::Band(others) => points.iter().zip(others).for_each(|([x, _], y)| meet([*x, *y])),
                Mark::Line | Mark::Dashed => {}
            }
        }
        if least[0] > greatest[0] {
            return None;
        }
        Some([0, 1].map(|axis| {
            let margin = match greatest[axis] - least[axis] {
                span if span > 0.0 => 0.04 * span,
                _ => 0.1 * least[axis].abs().max(1.0),
            };
            let around = least[axis] - margin..greatest[axis] + margin;
            self.shown[axis].clone().unwrap_or(around)
        }))
    }
}

impl Series {
    /// A line of this colour.
    pub fn line(name: &str, colour: usize, points: Vec<[f64; 2]>) -> Self {
        Self { name: name.to_owned(), mark: Mark::Line, points, colour }
    }

    fn colour(&self) -> RGBColor {
        COLOURS[self.colour % COLOURS.len()]
    }

    fn finite(&self) -> Vec<(f64, f64)> {
        let finite = |[x, y]: &[f64; 2]| (x.is_finite() && y.is_finite()).then_some((*x, *y));
        self.points.iter().filter_map(finite).collect()
    }
}

fn text() -> TextStyle<'static> {
    ("sans-serif", TEXT).into_font().transform(FontTransform::None).color(&INK)
}

/// Numbers along an axis: with as many decimals as tell neighbours apart.
fn labels(range: &Range<f64>) -> impl Fn(&f64) -> String + use<> {
    let step = (range.end - range.start) / 6.0;
    let decimals = (-step.log10().floor()).clamp(0.0, 9.0) as usize;
    move |value: &f64| {
        let text = format!("{value:.decimals$}");
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        if text == "-0" { "0".to_owned() } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_of_a_line_is_drawn() {
        let points = vec![[1.0, 0.5], [2.0, 0.25], [3.0, f64::NAN], [4.0, 0.125]];
        let series = vec![Series::line("training", 0, points)];
        let svg =
            Chart { axes: ["epoch".into(), "loss < 1".into()], series, ..Chart::default() }.svg().expect("points");
        assert_eq!(svg.matches("<circle").count(), 3);
        let line = svg.split("<polyline").find(|part| part.contains("stroke=\"#0072B2\"")).expect("the line");
        let points = line.split("points=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("its points");
        assert_eq!(points.split_whitespace().count(), 3);
        assert!(svg.contains("loss &lt; 1") && svg.contains(">\ntraining\n<"), "{svg}");
    }

    #[test]
    fn without_points_there_is_no_chart() {
        assert_eq!(Chart::default().svg(), None);
        let nothing = Chart { series: vec![Series::line("", 0, vec![[1.0, f64::NAN]])], ..Chart::default() };
        assert_eq!(nothing.svg(), None);
    }

    #[test]
    fn one_point_and_large_numbers_have_axes() {
        for y in [0.0, -1e12, 3e-9] {
            let chart = Chart { series: vec![Series::line("", 1, vec![[1.0, y]])], ..Chart::default() };
            assert_eq!(chart.svg().expect("a chart").matches("<circle").count(), 1, "{y}");
        }
    }

    #[test]
    fn labels_are_as_long_as_they_must_be() {
        assert_eq!([1.0, 2.0].map(|v| labels(&(0.8..5.2))(&v)), ["1", "2"]);
        assert_eq!([0.0, 5.0, 20.0].map(|v| labels(&(0.0..20.0))(&v)), ["0", "5", "20"]);
        assert_eq!([-0.1, 0.25].map(|v| labels(&(-0.3..0.3))(&v)), ["-0.1", "0.2"]);
    }
}
