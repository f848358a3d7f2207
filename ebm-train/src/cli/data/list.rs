//! `data list`: the data sets there are, and how others are named.

use crate::Error;
use crate::cli::{print, print_json};
use crate::data::fetch::SETS;
use serde::Serialize;

#[derive(Serialize)]
struct List {
    embedded: Vec<&'static str>,
    public: Vec<Public>,
    specs: Vec<Spec>,
}

#[derive(Serialize)]
struct Public {
    name: &'static str,
    about: &'static str,
    licence: &'static str,
}

#[derive(Serialize)]
struct Spec {
    spec: &'static str,
    about: &'static str,
}

/// Every form of `--data`.
const FORMS: [(&str, &str); 6] = [
    ("digits", "5,620 handwritten digits of 8 × 8 pixels, in the program"),
    ("mnist:DIR", "the four files of MNIST or Fashion-MNIST in a folder"),
    ("idx:IMAGES[,LABELS]", "idx files"),
    ("csv:FILE", "a table of text; --label, --categorical, --window and others say what its columns are"),
    ("npy:FILE[,LABELS]", "arrays of NumPy"),
    (
        "npz:FILE[,ARRAY[,LABELS]]",
        "an archive of NumPy's arrays; x_train, y_train, x_test, y_test and other usual names are known",
    ),
];

pub(super) fn run(json: bool) -> Result<(), Error> {
    let public = SETS.iter().map(|set| Public { name: set.name, about: set.about, licence: set.licence });
    let specs = FORMS.iter().map(|&(spec, about)| Spec { spec, about });
    let list = List { embedded: vec![crate::data::digits::NAME], public: public.collect(), specs: specs.collect() };
    if json {
        return print_json(&list);
    }
    let mut text = "What --data takes; every file can be gzipped\n".to_owned();
    for Spec { spec, about } in &list.specs {
        text += &format!("  {spec:<26} {about}\n");
    }
    text += "\nPublic sets: `ebm-train data fetch NAME` downloads them\n";
    for Public { name, about, licence } in &list.public {
        text += &format!("  {name:<26} {about}; {licence}\n");
    }
    print(&text)
}
