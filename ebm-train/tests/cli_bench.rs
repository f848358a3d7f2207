//! `ebm-train bench`: times are times, rates are what they say, wrong data are refused.

mod mnist;
mod program;

use mnist::write_mnist;
use program::{refuse, succeed};
use serde_json::Value;

#[test]
fn times_and_rates_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    write_mnist(folder.path(), 320, 20);
    let names =
        ["cd1-784x128-b64", "free-energy-784x500", "finetune-784-256-10", "ais-784x500", "answer-784-500-500-2000-10"];
    let line = format!("bench --data mnist:. --repeats 2 --threads 2 --only {} --json", names.join(","));
    let report: Value = serde_json::from_str(&succeed(&line, folder.path())).expect("JSON");
    assert_eq!(report["threads"], 2);
    let sgemm = report["sgemm_gflops"].as_f64().expect("a rate");
    assert!(sgemm > 0.1, "{sgemm} GFLOP/s");
    let rows = report["workloads"].as_array().expect("rows");
    // Products of 320 images (20 for tests), two operations a multiply-add.
    let operations = [
        320 * 784 * 128 * 5,
        320 * 784 * 501,
        320 * 3 * (784 * 256 + 256 * 10),
        999 * 100 * 2 * 784 * 500,
        20 * (784 * 500 + 500 * 500 + 500 * 2000 + 2000 * 10),
    ]
    .map(|n: u64| 2.0 * n as f64);
    assert_eq!(rows.iter().map(|row| &row["name"]).collect::<Vec<_>>(), names);
    for (row, operations) in rows.iter().zip(operations) {
        let number = |name: &str| row[name].as_f64().unwrap_or(f64::NAN);
        let seconds: Vec<f64> = row["seconds"].as_array().expect("runs").iter().filter_map(Value::as_f64).collect();
        assert_eq!(seconds.len(), 2);
        let is = |name: &str, value: f64| assert!((number(name) / value - 1.0).abs() < 1e-9, "{name} of {row}");
        is("min_s", seconds[0].min(seconds[1]));
        is("median_s", (seconds[0] + seconds[1]) / 2.0);
        let rate = 1e-9 * operations / number("min_s");
        is("gflops", rate);
        is("of_sgemm", rate / sgemm);
    }
    // What comes of three runs: strokes are soon learnt.
    assert!(rows[0]["quality"].as_f64().is_some_and(|error| error < 0.1), "{}", rows[0]);
    assert!(rows[2]["quality"].as_f64().is_some_and(|accuracy| accuracy > 0.9), "{}", rows[2]);

    // Weights of deviation 0.01 hardly move ln Z from that of machines without: 500 ln 2 and the softplus of 784 biases.
    assert!(
        rows[3]["quality"].as_f64().is_some_and(|log_partition| (346.0..900.0).contains(&log_partition)),
        "{}",
        rows[3]
    );

    let table = succeed(&line.replace(" --json", ""), folder.path());
    for words in names.into_iter().chain(["GFLOP/s", "of products", "test accuracy"]) {
        assert!(table.contains(words), "no `{words}` in:\n{table}");
    }
}

#[test]
fn cost_grows_with_what_is_doubled() {
    let folder = tempfile::tempdir().expect("a folder");
    let costs: Vec<Value> = serde_json::from_str(&succeed("bench --growth --json", folder.path())).expect("JSON");
    // Eight times the size takes eight times as long, of a machine that others use give or take; what grew with the square would take 64 times.
    let in_proportion = 1.0..40.0;
    for (what, growth) in [
        ("visible units", in_proportion.clone()),
        ("hidden units", in_proportion.clone()),
        ("Gibbs steps", in_proportion.clone()),
        // As many products, fewer steps between them.
        ("samples a minibatch", 0.05..4.0),
        ("samples", in_proportion.clone()),
        ("lines of CSV", in_proportion.clone()),
        ("images of idx", in_proportion),
    ] {
        let of_this: Vec<&Value> = costs.iter().filter(|cost| cost["what"] == what).collect();
        let [first, .., last] = &of_this[..] else { panic!("one cost of {what}") };
        let times = |name: &str| last[name].as_f64().unwrap_or(f64::NAN) / first[name].as_f64().unwrap_or(f64::NAN);
        assert_eq!(times("size"), 8.0, "{what}");
        assert!(growth.contains(&times("seconds")), "{what}: {} times as long", times("seconds"));
    }
    refuse("bench --growth --data digits", folder.path(), 2, &["--growth", "--data"]);
}

#[test]
fn data_of_another_size_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    refuse(
        "bench --data digits",
        folder.path(),
        2,
        &["--data digits: expected samples of 784 values", "data fetch mnist"],
    );
    write_mnist(folder.path(), 64, 20);
    refuse("bench --data mnist:. --only gibbs-784x500", folder.path(), 2, &["at least 1,000 test samples"]);
    refuse("bench --data mnist:. --only cd2", folder.path(), 2, &["cd1-784x128-b64"]);
}
