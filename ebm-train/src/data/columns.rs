//! Which columns of a table are inputs, labels and recordings, as flags say it.

use super::DataOptions;
use super::reader::Origin;
use super::table::Channel;
use crate::Error;
use csv::StringRecord;

/// A column that is an input.
pub(super) struct Input {
    /// Its place in a line.
    pub column: usize,
    pub name: String,
    /// Categories that it can hold, none meaning those of the data; `None` where it holds numbers.
    pub categories: Option<Vec<String>>,
}

/// The columns' parts.
pub(super) struct Columns {
    pub names: Vec<String>,
    pub inputs: Vec<Input>,
    pub label: Option<usize>,
    pub group: Option<usize>,
}

impl Columns {
    /// Finds the columns that `options` name in the first line of a table. Inputs are the channels of the training part where there is
    /// one, else the columns asked for, else all that have no other part.
    pub fn new(
        origin: &Origin,
        first: &StringRecord,
        has_header: bool,
        options: &DataOptions,
        known: &[Channel],
    ) -> Result<Self, Error> {
        let names: Vec<String> = if has_header {
            first.iter().map(str::to_owned).collect()
        } else {
            (1..=first.len()).map(|number| number.to_string()).collect()
        };
        let find = |flag: &str, column: &str| find(origin, &names, flag, column);
        let one = |flag, column: &Option<String>| column.as_ref().map(|column| find(flag, column)).transpose();
        let (label, group) = (one("--label", &options.label)?, one("--group", &options.group)?);
        let mut categorical = Vec::new();
        for text in &options.categorical {
            let (column, categories) = text.split_once('=').unwrap_or((text, ""));
            let categories = categories.split('|').map(|name| name.trim().to_owned());
            categorical.push((find("--categorical", column)?, categories.filter(|name| !name.is_empty()).collect()));
        }
        let mut others: Vec<usize> = [label, group].into_iter().flatten().collect();
        for column in &options.ignore {
            // A test part can lack what is ignored in the training part.
            match find("--ignore", column) {
                Ok(column) => others.push(column),
                Err(error) if known.is_empty() => return Err(error),
                Err(_) => {}
            }
        }
        let chosen: Vec<usize> = if !known.is_empty() {
            known.iter().map(|channel| find("the training data", &channel.name)).collect::<Result<_, _>>()?
        } else if options.columns.is_empty() {
            (0..names.len()).filter(|column| !others.contains(column)).collect()
        } else {
            options.columns.iter().map(|column| find("--columns", column)).collect::<Result<_, _>>()?
        };
        if chosen.is_empty() {
            return Err(origin.problem("line 1: no column is left that could be an input"));
        }
        if has_header {
            check_names(origin, &names, &chosen)?;
        }
        let inputs = chosen.into_iter().enumerate().map(|(place, column)| {
            let given = categorical.iter().find(|(categorical, _)| *categorical == column);
            let categories = match known.get(place) {
                Some(channel) => (!channel.categories.is_empty()).then(|| channel.categories.clone()),
                None => given.map(|(_, categories): &(usize, Vec<String>)| categories.clone()),
            };
            Input { column, name: names[column].clone(), categories }
        });
        Ok(Self { inputs: inputs.collect(), label, group, names })
    }
}

/// Fails where two inputs have one name.
fn check_names(origin: &Origin, names: &[String], inputs: &[usize]) -> Result<(), Error> {
    let mut sorted = inputs.to_vec();
    sorted.sort_by_key(|&column| (&names[column], column));
    let same = sorted.windows(2).find(|pair| pair[0] != pair[1] && names[pair[0]] == names[pair[1]]);
    same.map_or(Ok(()), |pair| {
        let (first, second, name) = (pair[0] + 1, pair[1] + 1, &names[pair[0]]);
        let problem =
            format!("line 1: columns {first} and {second} are both called `{name}`: rename one, or --ignore {second}");
        Err(origin.problem(problem))
    })
}

/// The place of a column that is named, or numbered from 1, or from -1 backwards.
fn find(origin: &Origin, names: &[String], flag: &str, column: &str) -> Result<usize, Error> {
    let mut named = (0..names.len()).filter(|&place| names[place] == column);
    match (named.next(), named.next()) {
        (Some(_), Some(_)) => {
            return Err(origin.problem(format!("line 1: several columns are called `{column}`: give {flag} a number")));
        }
        (Some(place), None) => return Ok(place),
        (None, _) => {}
    }
    let numbered = column.parse::<i64>().ok().and_then(|number| {
        let place = if number < 0 { names.len() as i64 + number } else { number - 1 };
        usize::try_from(place).ok().filter(|&place| place < names.len())
    });
    numbered.ok_or_else(|| {
        let names = names.join(", ");
        origin.problem(format!("line 1: no column `{column}`, which {flag} names; the columns are {names}"))
    })
}
