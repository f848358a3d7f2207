//! Data sets of every kind of file: what is read, and what is said of files that cannot be.

use ebm_core::format::Input;
use ebm_core::{Block, VisibleKind};
use ebm_train::Error;
use ebm_train::data::convert::{Part, convert};
use ebm_train::data::{
    BinarisationChoice, DataOptions, Dataset, Fitted, Header, MixedWindows, ScalingChoice, Size, digits, open, open_as,
};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs;
use std::io::Write;
use std::path::Path;
use tempfile::TempDir;

fn folder() -> TempDir {
    TempDir::new().expect("a folder")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(bytes).expect("a vector takes all");
    packed.finish().expect("a vector takes all")
}

/// A CSV file's spec.
fn csv(folder: &TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    fs::write(&path, text).expect("a file");
    format!("csv:{}", path.display())
}

fn values(dataset: &Dataset) -> &[f32] {
    &dataset.train.inputs.memory().expect("a small data set").values
}

fn message(options: &DataOptions) -> String {
    match open(options) {
        Ok(dataset) => panic!("{:?} was read: {}", options.data, dataset.describe()),
        Err(error) => error.to_string(),
    }
}

/// Options of a table whose values stay as they are.
fn raw(data: String) -> DataOptions {
    DataOptions { data, scaling: ScalingChoice::None, ..DataOptions::default() }
}

/// A small data set of known values in the layout of MNIST.
fn write_mnist(folder: &Path, names: [&str; 2], packed: bool) {
    for (part, images, labels) in [(names[0], &[1u8, 2, 3, 4, 5, 255][..], &[7u8, 0, 9][..]), (names[1], &[9, 8], &[1])]
    {
        let count = labels.len() as u8;
        let image_file = [&[0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 1, 0, 0, 0, 2], images].concat();
        let label_file = [&[0, 0, 8, 1, 0, 0, 0, count], labels].concat();
        for (what, dimensions, bytes) in [("images", 3, image_file), ("labels", 1, label_file)] {
            let (end, bytes) = if packed { (".gz", gzip(&bytes)) } else { ("", bytes) };
            fs::write(folder.join(format!("{part}-{what}-idx{dimensions}-ubyte{end}")), bytes).expect("a file");
        }
    }
}

#[test]
fn a_mnist_folder_is_read_by_any_of_its_names() -> Result<(), Error> {
    for (names, packed) in [(["train", "t10k"], true), (["train", "test"], false)] {
        let folder = folder();
        write_mnist(folder.path(), names, packed);
        let dataset = open(&DataOptions { data: format!("mnist:{}", folder.path().display()), ..Default::default() })?;
        assert_eq!(values(&dataset), [1.0, 2.0, 3.0, 4.0, 5.0, 255.0].map(|level: f32| level / 255.0));
        assert_eq!((dataset.train.labels, dataset.test.labels), (vec![7, 0, 9], vec![1]));
        assert_eq!((dataset.classes.len(), dataset.preprocessing.input), (10, Input::Levels { max: 255 }));
        assert_eq!(dataset.image.map(|image| (image.width, image.height)), Some((2, 1)));
        assert_eq!(dataset.train_crc32, ebm_core::format::crc32(&[1, 2, 3, 4, 5, 255]));
        assert!(dataset.blocks.is_empty());
    }
    Ok(())
}

#[test]
fn a_folder_that_lacks_a_file_says_which() {
    let folder = folder();
    write_mnist(folder.path(), ["train", "t10k"], false);
    fs::remove_file(folder.path().join("t10k-labels-idx1-ubyte")).expect("a file");
    fs::remove_file(folder.path().join("train-labels-idx1-ubyte")).expect("a file");
    let path = folder.path().display().to_string();
    let said = message(&DataOptions { data: format!("mnist:{path}"), ..Default::default() });
    assert!(said.contains(&path) && said.contains("train-labels-idx1-ubyte"), "{said}");
    let said = message(&DataOptions { data: format!("mnist:{path}/none"), ..Default::default() });
    assert!(said.contains("is no folder"), "{said}");
}

/// Raw values and labels of both parts survive every format, packed or not.
#[test]
fn what_is_converted_is_read_back() -> Result<(), Error> {
    let folder = folder();
    let all = DataOptions::default();
    let digits = digits::load()?;
    let (train, test) = (digits.train.inputs.memory(), digits.test.inputs.memory());
    for name in
        ["x.csv", "y.csv.gz", "a.npy", "b.npy.gz", "c.npz", "images-idx3-ubyte", "i-images-idx3-ubyte.gz", "d.idx"]
    {
        let out = folder.path().join(name);
        let files = convert(&all, &out, Part::Train)?;
        let kind = if name.contains("idx") { "idx" } else { &name[2..5] };
        let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        let mut options = DataOptions { data: format!("{kind}:{}", files.join(",")), ..Default::default() };
        options.max_level = Some(16);
        options.scaling = ScalingChoice::Levels;
        options.label = (kind == "csv").then(|| "label".to_owned());
        let read = open(&options)?;
        assert_eq!(read.train.inputs.memory(), train, "{name}");
        assert_eq!((&read.train.labels, &read.classes), (&digits.train.labels, &digits.classes), "{name}");
        let is_image = kind != "csv";
        assert_eq!(read.image.is_some(), is_image, "{name}");
        if kind == "npz" {
            assert_eq!(read.test.inputs.memory(), test);
            assert_eq!(read.train_crc32, digits.train_crc32);
        }
        let other = folder.path().join(format!("test-{name}"));
        let [mut test_options, other_spec] = [options.clone(), options.clone()];
        if kind != "npz" {
            let files = convert(&all, &other, Part::Test)?;
            let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
            test_options.test = Some(format!("{kind}:{}", files.join(",")));
            let read = open(&test_options)?;
            assert_eq!((read.test.inputs.memory(), &read.test.labels), (test, &digits.test.labels), "{name}");
        }
        assert!(open(&DataOptions { data: "npz:none".into(), ..other_spec }).is_err());
    }
    Ok(())
}

#[test]
fn arrays_are_of_many_kinds() -> Result<(), Error> {
    let folder = folder();
    let npy = |name: &str, description: &str, shape: &str, elements: &[u8]| {
        let dictionary = format!("{{'descr': '{description}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((dictionary.len() as u16).to_le_bytes());
        bytes.extend(dictionary.as_bytes());
        bytes.extend(elements);
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("a file");
        path.display().to_string()
    };
    let f64s = [0.0f64, 0.25, 0.5, f64::NAN].map(f64::to_le_bytes).concat();
    let inputs = npy("x.npy", "<f8", "(2, 2)", &f64s);
    let labels = npy("y.npy", "<i8", "(2,)", &[3i64, 1].map(i64::to_le_bytes).concat());
    let column = npy("z.npy", "<f4", "(2, 1)", &[3.0f32, 1.0].map(f32::to_le_bytes).concat());
    for labels in [&labels, &column] {
        let dataset = open(&DataOptions { data: format!("npy:{inputs},{labels}"), ..Default::default() })?;
        assert_eq!(values(&dataset)[..3], [0.0, 0.25, 0.5]);
        assert!(values(&dataset)[3].is_nan());
        assert_eq!((dataset.train.labels, dataset.classes.len()), (vec![3, 1], 4));
        assert_eq!((dataset.preprocessing.input, dataset.image), (Input::Unit, None));
    }
    let images = npy("i.npy", "|u1", "(1, 3, 2, 1)", &[0, 51, 102, 153, 204, 255]);
    let dataset = open(&DataOptions { data: format!("npy:{images}"), ..Default::default() })?;
    assert_eq!(dataset.image.map(|image| (image.width, image.height)), Some((2, 3)));
    assert_eq!(values(&dataset), [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]);

    let refusal = |spec: String| message(&DataOptions { data: spec, ..Default::default() });
    for (spec, words) in [
        (npy("a.npy", "<f4", "(2, 3)", &[0; 20]), "a.npy: cut short"),
        (npy("b.npy", "<f4", "(2, 2)", &[0; 17]), "b.npy: more bytes than the 16"),
        (npy("c.npy", ">f4", "(2, 2)", &[0; 16]), "c.npy: npy elements `>f4`"),
        (npy("d.npy", "<U4", "(2, 2)", &[0; 64]), "d.npy: holds text"),
        (npy("e.npy", "<f4", "()", &[0; 4]), "e.npy: holds a single number"),
        (npy("f.npy", "<f4", "(0, 4)", &[]), "f.npy: is empty"),
        (npy("g.npy", "<f4", "(4611686018427387, 2)", &[0; 8]), "g.npy: cut short"),
        (npy("h.npy", "<f4", "(1, 4611686018427387)", &[0; 8]), "h.npy: its dimensions"),
        (npy("j.npy", "<f4", "(1, 2)", &[f32::INFINITY; 2].map(f32::to_le_bytes).concat()), "j.npy: sample 0, value 0"),
        (format!("{inputs},{inputs}"), "x.npy: dimensions [2, 2] where labels"),
        (format!("{images},{labels}"), "y.npy: 2 labels for 1 samples"),
        (
            format!("{inputs},{}", npy("k.npy", "<i8", "(2,)", &[-1i64, 0].map(i64::to_le_bytes).concat())),
            "label of sample 0",
        ),
        (
            format!("{inputs},{}", npy("l.npy", "<f4", "(2,)", &[0.5f32, 0.0].map(f32::to_le_bytes).concat())),
            "no integers",
        ),
    ] {
        let said = refusal(format!("npy:{spec}"));
        assert!(said.contains(words), "no `{words}` in: {said}");
    }
    let fortran = folder.path().join("order.npy");
    fs::write(
        &fortran,
        b"\x93NUMPY\x01\x00\x3c\x00{'descr': '|u1', 'fortran_order': True, 'shape': (1, 2), }  \n\x01\x02",
    )
    .expect("a file");
    assert!(refusal(format!("npy:{}", fortran.display())).contains("numpy.ascontiguousarray"));
    Ok(())
}

#[test]
fn idx_files_that_do_not_fit_are_refused_by_name() {
    let folder = folder();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).expect("a file");
        path.display().to_string()
    };
    let images: &[u8] = &[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4];
    let good = file("good", images);
    let packed = gzip(images);
    let mut changed = packed.clone();
    changed[14] ^= 0x55;
    let labels = [0, 0, 8, 1, 0, 0, 0, 2, 7, 9];
    for (spec, words) in [
        (file("a", &images[..19]), "a: cut short: its dimensions [2, 1, 2] take 4 bytes, there are 3"),
        (file("b", &[images, &[5]].concat()), "b: more bytes than the 4"),
        (file("c", &images[..9]), "c: not an idx file: cut short"),
        (file("d", b"PK\x03\x04"), "d: not an idx file"),
        (file("e", &[0, 0, 7, 1, 0, 0, 0, 0]), "e: not an idx file: 0x07"),
        (file("f", &[]), "f: is empty"),
        (file("g", &[0, 0, 8, 1, 0xFF, 0xFF, 0xFF, 0xFF, 1]), "g: cut short"),
        (
            file("h", &[0, 0, 8, 3, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
            "h: its dimensions",
        ),
        (file("i", &packed[..packed.len() - 3]), "i: cannot be decompressed: the gzip is damaged or cut short"),
        (file("j", &changed), "j: cannot be decompressed: the gzip is damaged"),
        (file("k", &[0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 2]), "k: is empty"),
        (format!("{good},{}", file("l", &labels[..9])), "l: cut short"),
        (format!("{good},{}", file("m", &[0, 0, 8, 1, 0, 0, 0, 1, 7])), "m: 1 labels for 2 samples"),
        (folder.path().join("none").display().to_string(), "none: cannot open the data"),
        (folder.path().display().to_string(), "cannot"),
    ] {
        let said = message(&DataOptions { data: format!("idx:{spec}"), ..Default::default() });
        assert!(said.contains(words), "no `{words}` in: {said}");
    }
    // A test label that the training part does not have.
    let [train, test] = [[1u8, 0], [1, 9]].map(|labels| [&[0, 0, 8, 1, 0, 0, 0, 2], &labels[..]].concat());
    let options = DataOptions {
        data: format!("idx:{good},{}", file("train", &train)),
        test: Some(format!("idx:{good},{}", file("test", &test))),
        ..Default::default()
    };
    let said = message(&options);
    assert!(said.contains("test: label 9 of sample 1 is out of range: there are 2 classes"), "{said}");
    // Halves of floats are not bytes: big-endian numbers of other kinds are read too.
    let floats = [&[0, 0, 0x0D, 2, 0, 0, 0, 1, 0, 0, 0, 2][..], &0.5f32.to_be_bytes(), &0.25f32.to_be_bytes()].concat();
    let dataset = open(&DataOptions { data: format!("idx:{}", file("floats", &floats)), ..Default::default() });
    assert_eq!(values(&dataset.expect("an idx file")), [0.5, 0.25]);
}

const SENSOR: &str = "recording,t,ax,ay,label\n\
    a,0.0,1,10,walk\na,0.1,2,20,walk\na,0.2,3,30,run\na,0.3,4,40,run\na,0.4,5,50,run\n\
    b,0.0,-1,,rest\nb,0.1,-2,-20,rest\nb,0.2,-3,-30,rest\nb,0.3,-4,-40,rest\n";

fn sensor(folder: &TempDir) -> DataOptions {
    DataOptions {
        label: Some("label".into()),
        group: Some("recording".into()),
        ignore: vec!["t".into()],
        window: Some(3),
        hop: Some(2),
        ..raw(csv(folder, "sensor.csv", SENSOR))
    }
}

#[test]
fn a_stream_becomes_windows_by_flags() -> Result<(), Error> {
    let folder = folder();
    let dataset = open(&sensor(&folder))?;
    assert_eq!(dataset.classes, ["rest", "run", "walk"]);
    assert_eq!(dataset.train.labels, [2, 1, 0]);
    let expected = [1.0, 10.0, 2.0, 20.0, 3.0, 30.0, 3.0, 30.0, 4.0, 40.0, 5.0, 50.0, -1.0];
    assert_eq!(values(&dataset)[..13], expected);
    assert!(values(&dataset)[13].is_nan() && values(&dataset)[14..] == [-2.0, -20.0, -3.0, -30.0]);
    assert_eq!(dataset.channels.iter().map(|channel| channel.name.as_str()).collect::<Vec<_>>(), ["ax", "ay"]);
    assert_eq!(dataset.blocks, [Block::new(VisibleKind::Gaussian, 6)]);
    assert!(dataset.describe().contains("1 of 9 rows are in no window"), "{}", dataset.describe());
    let pure = open(&DataOptions { mixed_windows: MixedWindows::Drop, ..sensor(&folder) })?;
    assert_eq!((pure.train.labels, &pure.classes[..]), (vec![1, 0], &["rest", "run", "walk"].map(String::from)[..]));
    Ok(())
}

#[test]
fn scaling_is_fitted_on_the_training_part_and_repeats_its_channels() -> Result<(), Error> {
    let folder = folder();
    let more = csv(&folder, "more.csv", "label,ay,ax,recording\nrun,100,9,z\nrun,100,9,z\nwalk,0,0,z\n");
    let dataset = open(&DataOptions { scaling: ScalingChoice::MinMax, test: Some(more), ..sensor(&folder) })?;
    let scaling = dataset.preprocessing.scaling.clone().expect("a scaling");
    assert_eq!(scaling.offsets, [-3.0, -30.0]);
    assert_eq!(dataset.preprocessing.input, Input::Scaled { channels: 2 });
    // Columns are found by name, wherever they are; the test part lies outside the training part's range.
    let test = dataset.test.inputs.memory().expect("in memory");
    let scaled = |raw: f32, c: usize| (raw - scaling.offsets[c]) * scaling.scales[c];
    assert_eq!(
        test.values,
        [scaled(9.0, 0), scaled(100.0, 1), scaled(9.0, 0), scaled(100.0, 1), scaled(0.0, 0), scaled(0.0, 1)]
    );
    assert_eq!(dataset.test.labels, [1]);
    assert!(dataset.blocks.is_empty());

    // What a model took over is what other data are read by.
    let fitted = Fitted { preprocessing: dataset.preprocessing.clone(), classes: dataset.classes.clone() };
    let same = open_as(&DataOptions { ignore: vec!["t".into()], ..sensor(&folder) }, &fitted)?;
    let bits = |dataset: &Dataset| values(dataset).iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&same), bits(&dataset));
    let other = csv(&folder, "other.csv", "a,b,c\n1,2,3\n");
    assert!(open_as(&raw(other), &fitted).is_err_and(|error| error.to_string().contains("2 channels are scaled")));
    let unknown = csv(&folder, "unknown.csv", &SENSOR.replace("rest", "swim"));
    let error = open_as(&DataOptions { data: unknown, ..sensor(&folder) }, &fitted).expect_err("an unknown class");
    assert!(
        error.to_string().contains("line 7, column `label`: label `swim` is none of the classes rest, run, walk"),
        "{error}"
    );
    Ok(())
}

#[test]
fn standard_scaling_of_the_training_part_has_mean_0_and_variance_1() -> Result<(), Error> {
    let folder = folder();
    let rows: String = (0..200).map(|row| format!("{},7,{}\n", 100 + row % 13, row * row)).collect();
    let options = DataOptions {
        data: csv(&folder, "x.csv", &rows),
        validation: Size::Share(0.25),
        test_size: Size::Count(20),
        ..Default::default()
    };
    let dataset = open(&options)?;
    assert_eq!(
        (dataset.train.inputs.rows(), dataset.validation.inputs.rows(), dataset.test.inputs.rows()),
        (130, 50, 20)
    );
    let batch = dataset.train.inputs.memory().expect("in memory");
    for column in 0..3 {
        let values: Vec<f64> = batch.iter().map(|row| f64::from(row[column])).collect();
        let mean = values.iter().sum::<f64>() / 130.0;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 130.0;
        let expected = if column == 1 { 0.0 } else { 1.0 };
        assert!(mean.abs() < 1e-5 && (variance - expected).abs() < 1e-4, "column {column}: {mean}, {variance}");
    }
    assert_eq!(
        dataset.blocks,
        [(VisibleKind::Gaussian, 1), (VisibleKind::Bernoulli, 1), (VisibleKind::Gaussian, 1)]
            .map(|(kind, units)| Block::new(kind, units))
    );
    let again = open(&options)?;
    assert!(again == dataset);
    let other = open(&DataOptions { data_seed: 2, ..options })?;
    assert!(other.validation != dataset.validation);
    Ok(())
}

#[test]
fn categories_become_softmax_groups() -> Result<(), Error> {
    let folder = folder();
    let table = "colour,size,y\nred,0.5,no\nblue,1,yes\n,0,no\n";
    let options = DataOptions {
        label: Some("y".into()),
        categorical: vec!["colour".into()],
        test: Some(csv(&folder, "test.csv", "size,y,colour\n0.25,yes,red\n")),
        ..raw(csv(&folder, "train.csv", table))
    };
    let dataset = open(&options)?;
    assert_eq!(values(&dataset)[..6], [0.0, 1.0, 0.5, 1.0, 0.0, 1.0]);
    assert!(values(&dataset)[6].is_nan() && values(&dataset)[7].is_nan() && values(&dataset)[8] == 0.0);
    assert_eq!(dataset.blocks, [Block::new(VisibleKind::Softmax, 2), Block::new(VisibleKind::Bernoulli, 1)]);
    // Columns of the test part are found by their names.
    assert_eq!(dataset.test.inputs.memory().expect("in memory").values, [0.0, 1.0, 0.25]);
    let green = DataOptions { test: Some(csv(&folder, "g.csv", "size,y,colour\n1,yes,green\n")), ..options.clone() };
    let said = message(&green);
    assert!(said.contains("line 2, column `colour`: `green` is none of blue, red"), "{said}");
    let named = DataOptions { categorical: vec!["colour=red|green|blue".into()], ..options };
    assert_eq!(values(&open(&named)?)[..4], [1.0, 0.0, 0.0, 0.5]);
    Ok(())
}

#[test]
fn tables_come_in_several_dialects() -> Result<(), Error> {
    let folder = folder();
    let expected = [1.0, 2.5, 3.0, -4.0];
    for (name, text) in [
        ("comma", "a,b\n1,2.5\n3,-4\n"),
        ("crlf", "a,b\r\n1,2.5\r\n3,-4"),
        ("semicolon", "a;b\n1;2.5\n3;-4\n"),
        ("tab", "a\tb\n1\t2.5\n3\t-4e0\n"),
        ("spaces", " a , b \n 1 , 2.5\n3, -4\n\n"),
        ("quoted", "\"a,x\",b\n\"1\",2.5\n3,\"-4\"\n"),
        ("mark", "\u{feff}a,b\n1,2.5\n3,-4\n"),
        ("bare", "1,2.5\n3,-4\n"),
    ] {
        let dataset = open(&raw(csv(&folder, name, text)))?;
        assert_eq!(values(&dataset), expected, "{name}");
        let packed = folder.path().join(format!("{name}.gz"));
        fs::write(&packed, gzip(text.as_bytes())).expect("a file");
        assert_eq!(values(&open(&raw(format!("csv:{}", packed.display())))?), expected, "{name}, packed");
    }
    let text = "0,1\n1,2\n3,4\n";
    assert_eq!(open(&raw(csv(&folder, "auto", text)))?.train.inputs.rows(), 3);
    let named = DataOptions { header: Header::Yes, label: Some("0".into()), ..raw(csv(&folder, "yes", text)) };
    assert_eq!((values(&open(&named)?), &open(&named)?.train.labels[..]), (&[2.0, 4.0][..], &[0, 1][..]));
    let chosen = DataOptions { columns: vec!["2".into(), "1".into()], ..raw(csv(&folder, "chosen", text)) };
    assert_eq!(values(&open(&chosen)?), [1.0, 0.0, 2.0, 1.0, 4.0, 3.0]);
    Ok(())
}

#[test]
fn what_is_wrong_with_a_table_is_said_with_line_and_column() {
    let folder = folder();
    let label = |name: &str| DataOptions { label: Some(name.into()), ..Default::default() };
    for (name, text, options, words) in [
        ("ragged", "a,b\n1,2\n3\n", DataOptions::default(), &["line 3", "1 cells", "has 2"][..]),
        ("wide", "a,b\n1,2\n3,4,5\n", DataOptions::default(), &["line 3", "3 cells"]),
        (
            "word",
            "a,b\n1,2\n3,x\n",
            DataOptions::default(),
            &["line 3, column `b`", "`x` is no finite number", "--ignore b"],
        ),
        ("infinite", "a,b\n1,inf\n", DataOptions::default(), &["line 2, column `b`", "no finite number"]),
        ("huge", "a,b\n1,1e99\n", DataOptions::default(), &["line 2, column `b`"]),
        ("label", "a,b\n1,2\n", label("class"), &["no column `class`", "--label", "a, b"]),
        ("number", "a,b\n1,2\n", label("3"), &["no column `3`"]),
        ("unlabelled", "a,b\n1,2\n3,\n", label("b"), &["line 3, column `b`: no label"]),
        ("twice", "a,a\n1,2\n", label("a"), &["several columns are called `a`"]),
        ("nothing", "a\n1\n", label("a"), &["no column is left"]),
        ("empty", "", DataOptions::default(), &["is empty"]),
        ("bare", "a,b\n", DataOptions::default(), &["holds no rows"]),
        (
            "short",
            "a\n1\n2\n",
            DataOptions { window: Some(3), ..Default::default() },
            &["no recording fills a window of 3 rows"],
        ),
        ("header", "1,b\n1,2\n", DataOptions::default(), &["line 1, column `2`", "--header yes"]),
        ("latin", "a,b\n1,\u{fffd}\n", DataOptions::default(), &["line 2"]),
        (
            "categories",
            "a,b\n,2\n",
            DataOptions { categorical: vec!["a".into()], ..Default::default() },
            &["all its cells are empty"],
        ),
        (
            "levels",
            "a\n1\n0.5\n",
            DataOptions { scaling: ScalingChoice::Levels, ..Default::default() },
            &["column `a`", "integer levels"],
        ),
        (
            "draws",
            "a\n1\n-5\n",
            DataOptions {
                binarisation: BinarisationChoice::SampledOnce,
                scaling: ScalingChoice::None,
                ..Default::default()
            },
            &["column `a` goes from -5 to 1", "--scaling min-max"],
        ),
    ] {
        let data = csv(&folder, name, text);
        let said = message(&DataOptions { data, ..options });
        assert!(said.contains(name), "{said}");
        for word in words {
            assert!(said.contains(word), "{name}: no `{word}` in: {said}");
        }
    }
    let latin = folder.path().join("bytes.csv");
    fs::write(&latin, b"a,b\n1,\xff\n").expect("a file");
    assert!(message(&raw(format!("csv:{}", latin.display()))).contains("line 2, cell 2: is not UTF-8"));
}

#[test]
fn flags_that_mean_nothing_are_usage_errors() {
    let folder = folder();
    let table = csv(&folder, "a.csv", "a,b\n1,2\n3,4\n");
    let digits = DataOptions::default;
    for (options, flag) in [
        (DataOptions { label: Some("x".into()), ..digits() }, "--label"),
        (DataOptions { window: Some(4), ..digits() }, "--window"),
        (DataOptions { window: Some(0), ..raw(table.clone()) }, "--window"),
        (DataOptions { hop: Some(1), ..raw(table.clone()) }, "--hop"),
        (DataOptions { test_size: Size::Share(0.5), ..digits() }, "--test-size"),
        (DataOptions { validation: Size::Count(4000), ..digits() }, "--validation"),
        (DataOptions { stratified: true, ..raw(table.clone()) }, "--stratified"),
        (DataOptions { threshold: f32::NAN, ..digits() }, "--threshold"),
        (DataOptions { data: "letters".into(), ..digits() }, "--data"),
        (DataOptions { test: Some("x".into()), ..digits() }, "--test"),
        (DataOptions { limit: Some(0), ..digits() }, "--limit"),
    ] {
        match open(&options) {
            Err(Error::Flag { flag: named, .. }) => assert_eq!(named, flag),
            other => panic!("{flag}: {:?}", other.map(|dataset| dataset.describe())),
        }
    }
}

#[test]
fn binarisation_is_what_the_protocol_says() -> Result<(), Error> {
    let with = |binarisation| open(&DataOptions { binarisation, ..DataOptions::default() });
    let grey = digits::load()?;
    let threshold = with(BinarisationChoice::Threshold)?;
    assert_eq!(threshold.preprocessing.input, Input::Binary { threshold: 8 });
    assert!(values(&threshold).iter().zip(values(&grey)).all(|(&bit, &level)| bit == f32::from(u8::from(level > 0.5))));
    let once = with(BinarisationChoice::SampledOnce)?;
    assert!(
        values(&once).iter().all(|&bit| bit == 0.0 || bit == 1.0) && once == with(BinarisationChoice::SampledOnce)?
    );
    let other =
        open(&DataOptions { binarisation: BinarisationChoice::SampledOnce, data_seed: 2, ..Default::default() })?;
    assert!(values(&once) != values(&other));
    let mean = |dataset: &Dataset| values(dataset).iter().sum::<f32>() / values(dataset).len() as f32;
    assert!((mean(&once) - mean(&grey)).abs() < 0.005, "{} of {}", mean(&once), mean(&grey));
    // A sample's draws do not depend on what else was split off.
    let split = open(&DataOptions {
        binarisation: BinarisationChoice::SampledOnce,
        validation: Size::Count(500),
        ..Default::default()
    })?;
    let (first, all) =
        (split.train.inputs.memory().expect("in memory"), once.train.inputs.memory().expect("in memory"));
    assert!(first.iter().all(|row| all.iter().any(|other| other == row)));
    let each = with(BinarisationChoice::SampledEachTime)?;
    assert_eq!(values(&each), values(&grey));
    for dataset in [&threshold, &once, &each] {
        assert!(
            dataset.describe().contains("1 above 8") || dataset.describe().contains("sampled"),
            "{}",
            dataset.describe()
        );
    }
    Ok(())
}
