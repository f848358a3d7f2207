//! A machine in the arrays of other programs: scikit-learn's `BernoulliRBM`, scripts over PyTorch or NumPy.

use super::named::{numbers, transposed, vector};
use crate::Error;
use crate::arrays::{Array, Named};
use crate::parameters::RbmParameters;

/// What scripts call a machine's weights; scikit-learn's attribute first.
const WEIGHTS: [&str; 7] = ["components_", "weights", "weight", "w", "kernel", "w_vh", "w_hv"];
/// What they call the biases of visible and hidden units; pairs, so that a lone letter says what the other's says of it.
const BIASES: [[&str; 2]; 12] = [
    ["intercept_visible_", "intercept_hidden_"],
    ["visible_bias", "hidden_bias"],
    ["v_bias", "h_bias"],
    ["vbias", "hbias"],
    ["bias_v", "bias_h"],
    ["bias_visible", "bias_hidden"],
    ["bv", "bh"],
    ["b_v", "b_h"],
    ["vb", "hb"],
    ["v", "h"],
    ["a", "b"],
    ["b", "c"],
];

/// Which index of the weights is the visible unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Orientation {
    /// Visible × hidden, as NumPy scripts have it: v @ W
    VisibleHidden,
    /// Hidden × visible, as PyTorch's linear layers and scikit-learn have it: v @ W.T
    HiddenVisible,
}

/// Names of a machine's arrays, where the user gives them, and the weights' orientation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// The weights.
    pub weights: Option<String>,
    /// The visible bias.
    pub visible_bias: Option<String>,
    /// The hidden bias.
    pub hidden_bias: Option<String>,
    /// Which index of the weights is the visible unit; by default what the biases' lengths say.
    pub orientation: Option<Orientation>,
}

/// The machine of Bernoulli units in these arrays. Fails when its arrays are not found by name, their shapes do not fit, or it has as many visible as
/// hidden units and nothing says which index is which; the error names the file `file` and the flag that helps.
pub fn machine(file: &str, arrays: &Named, choice: &Choice) -> Result<RbmParameters, Error> {
    let weights = find(file, arrays, choice.weights.as_deref(), &WEIGHTS, "--weights")?;
    let (visible, hidden) = biases(file, arrays, choice)?;
    let (visible_bias, hidden_bias) =
        (vector(file, visible, &arrays[visible])?, vector(file, hidden, &arrays[hidden])?);
    let shape = [visible_bias.len(), hidden_bias.len()];
    let values = numbers(file, weights, &arrays[weights])?;
    let orientation = orientation(file, weights, &arrays[weights], shape, choice.orientation)?;
    let weights = match orientation {
        Orientation::VisibleHidden => transposed(&values, shape[0], shape[1]),
        Orientation::HiddenVisible => values,
    };
    Ok(RbmParameters { weights, visible_bias, hidden_bias, ..RbmParameters::default() })
}

fn orientation(
    file: &str,
    name: &str,
    array: &Array,
    [visible, hidden]: [usize; 2],
    chosen: Option<Orientation>,
) -> Result<Orientation, Error> {
    let by_shape = [
        (array.shape == [visible, hidden], Orientation::VisibleHidden),
        (array.shape == [hidden, visible], Orientation::HiddenVisible),
    ];
    let mut fitting = by_shape.into_iter().filter_map(|(fits, orientation)| fits.then_some(orientation));
    let problem = match (fitting.next(), fitting.next(), chosen) {
        (Some(only), None, None) => return Ok(only),
        (Some(first), second, Some(chosen)) if first == chosen || second == Some(chosen) => return Ok(chosen),
        // scikit-learn says so itself.
        (Some(_), Some(_), None) if base(name) == "components_" => return Ok(Orientation::HiddenVisible),
        (Some(_), Some(_), None) => format!(
            "array `{name}` is square: say which index is the visible unit, --orientation visible-hidden or hidden-visible"
        ),
        (_, _, chosen) => {
            let said = chosen.map_or_else(String::new, |chosen| format!(" and --orientation {chosen:?}"));
            format!(
                "array `{name}` is {:?}, which does not fit {visible} visible and {hidden} hidden biases{said}",
                array.shape
            )
        }
    };
    Err(Error::data(file, problem))
}

/// A name without what a module's parameters carry ahead of theirs (`rbm.W`).
fn base(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn find<'a>(
    file: &str,
    arrays: &'a Named,
    chosen: Option<&str>,
    known: &[&str],
    flag: &'static str,
) -> Result<&'a str, Error> {
    let all = || arrays.iter().map(|(name, array)| format!("{name} {:?}", array.shape)).collect::<Vec<_>>().join(", ");
    if let Some(chosen) = chosen {
        let (name, _) = arrays
            .get_key_value(chosen)
            .ok_or_else(|| Error::data(file, format!("{flag} {chosen}: there are {}", all())))?;
        return Ok(name);
    }
    let mut found = arrays.keys().filter(|name| known.iter().any(|known| base(name).eq_ignore_ascii_case(known)));
    match (found.next(), found.next()) {
        (Some(name), None) => Ok(name),
        _ => Err(Error::data(
            file,
            format!("which array is meant? Name it by {flag}, or as ebm-train/ARRAYS.md has it; there are {}", all()),
        )),
    }
}

fn biases<'a>(file: &str, arrays: &'a Named, choice: &Choice) -> Result<(&'a str, &'a str), Error> {
    let chosen = [choice.visible_bias.as_deref(), choice.hidden_bias.as_deref()];
    let pair = BIASES.iter().find(|pair| {
        pair.iter()
            .zip(chosen)
            .all(|(known, chosen)| chosen.is_some() || arrays.keys().any(|name| base(name).eq_ignore_ascii_case(known)))
    });
    let [visible, hidden] = pair.unwrap_or(&BIASES[0]);
    Ok((
        find(file, arrays, chosen[0], &[visible], "--visible-bias")?,
        find(file, arrays, chosen[1], &[hidden], "--hidden-bias")?,
    ))
}
