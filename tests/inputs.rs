//! Raw inputs become values as the file says, in f32 and in integers: levels, a threshold, or offsets and scales of a sensor's channels.

use ebm_core::format::{Binarisation, FormatError, Header, Input, Layer, Presentation, Scaling};
use ebm_core::kernel::integer::{MAX_OFFSET, ONE, Rescale, scaled};
use ebm_core::{Float, Integer, Model, ModelError, Numbers, ShapeError};
use ebm_tests::file::Aligned;
use ebm_tests::quantised::Quantised;
use ebm_tests::tiny;
use proptest::prelude::*;

fn values<N: Numbers>(model: &Model<'_>, raw: &[impl Copy + Into<N::Raw>]) -> Result<Vec<N::Value>, ModelError> {
    let mut values = vec![N::Value::default(); model.inputs()];
    model.values::<N>(raw, &mut values)?;
    Ok(values)
}

fn f32_values(header: &Header<'_>, raw: &[f32]) -> Result<Vec<f32>, ModelError> {
    let bytes = tiny::encoded(header, &tiny::float().1);
    values::<Float>(&Model::parse(bytes.as_slice())?, raw)
}

/// Four inputs of two channels, `(r − 0.5)·0.25` and `(r + 2)·2`: the steps repeat the channels. Every value here is exact.
#[test]
fn channels_are_scaled_in_turn() -> Result<(), ModelError> {
    let bytes = Aligned::new(tiny::SCALED_FIXTURE);
    let model = Model::parse(bytes.as_slice())?;
    assert_eq!(values::<Float>(&model, &[0.5f32, -2.0, 4.5, 1.5])?, [0.0, 0.0, 1.0, 7.0]);
    // Counts of 16 bits go in as they are.
    assert_eq!(values::<Float>(&model, &[-32_768i16, 32_767, 1, 0])?, [-8192.125, 65_538.0, 0.125, 4.0]);
    let with_a_failed_sensor = values::<Float>(&model, &[f32::NAN, 0.0, f32::INFINITY, 0.0])?;
    assert!(with_a_failed_sensor[0].is_nan());
    assert_eq!(with_a_failed_sensor[1..], [4.0, f32::INFINITY, 4.0]);
    Ok(())
}

/// Worked out by hand from `FORMAT.md`: `(r − 100)·128/1000`, `(r + 32768)·128/65535` with the shift by two bits rounding first, and a switch.
#[test]
fn counts_are_scaled_in_integers() -> Result<(), ModelError> {
    let bytes = Aligned::new(tiny::SCALED_INT8_FIXTURE);
    let model = Model::parse(bytes.as_slice())?;
    for (raw, expected) in [
        ([100, -32_768, 0], [0, 0, 0]),
        ([1100, 32_767, 1], [128, 128, 128]),
        ([600, 0, -1], [64, 64, 0]),
        ([103, -32_515, 2], [0, 0, 128]),
        ([104, -32_514, 2], [1, 1, 128]),
        ([-7, 1 << 20, 1 << 20], [0, 128, 128]),
        ([i32::MIN; 3], [0, 0, 0]),
        ([i32::MAX; 3], [128, 128, 128]),
    ] {
        assert_eq!(values::<Integer>(&model, &raw)?, expected, "{raw:?}");
    }
    assert_eq!(values::<Integer>(&model, &[600i16, 0, -1])?, [64, 64, 0]);
    Ok(())
}

#[test]
fn levels_and_thresholds_take_any_number() -> Result<(), ModelError> {
    let header = |input| Header { input, ..tiny::float().0 };
    let levels = header(Input::Levels { max: 4 });
    assert_eq!(f32_values(&levels, &[1.0, 4.0, 5.0])?, [0.25, 1.0, 1.0]);
    assert_eq!(f32_values(&levels, &[-1.0, 0.5, f32::INFINITY])?, [0.0, 0.125, 1.0]);
    let binary = header(Input::Binary { threshold: 7 });
    assert_eq!(f32_values(&binary, &[7.0, 7.5, -1e9])?, [0.0, 1.0, 0.0]);
    assert_eq!(f32_values(&header(Input::Unit), &[-3.5, 0.25, 1e9])?, [-3.5, 0.25, 1e9]);
    for input in [Input::Unit, Input::Levels { max: 4 }, Input::Binary { threshold: 7 }] {
        assert!(f32_values(&header(input), &[f32::NAN, 0.0, 0.0])?[0].is_nan(), "{input:?}");
    }

    let (int8, layers) = tiny::int8();
    for (input, raw, expected) in [
        (Input::Levels { max: 16 }, [-1, 8, 1 << 20], [0, 64, 128]),
        (Input::Binary { threshold: 7 }, [7, 8, i32::MIN], [0, 128, 0]),
        (Input::Unit, [-1, 1, 2], [0, 128, 128]),
    ] {
        let bytes = tiny::encoded(&Header { input, ..int8.clone() }, &layers);
        assert_eq!(values::<Integer>(&Model::parse(bytes.as_slice())?, &raw)?, expected, "{input:?}");
    }
    Ok(())
}

/// What training saw in black and white, a device sees so too; what was drawn from probabilities stays them.
#[test]
fn a_threshold_of_the_training_data_is_applied() -> Result<(), ModelError> {
    let presented = |training| Presentation { training, test: Binarisation::Threshold { above: 0.0 }, image: None };
    let header = |training| Header { presentation: presented(training), ..tiny::float().0 };
    let raw = [0.25, 0.5, 0.75];
    assert_eq!(f32_values(&header(Binarisation::Threshold { above: 0.5 }), &raw)?, [0.0, 0.0, 1.0]);
    for other in [Binarisation::None, Binarisation::SampledOnce { seed: 1 }, Binarisation::SampledEachTime] {
        assert_eq!(f32_values(&header(other), &raw)?, raw);
    }
    let missing = f32_values(&header(Binarisation::Threshold { above: 0.5 }), &[f32::NAN, 1.0, 0.0])?;
    assert!(missing[0].is_nan());

    let bytes = Aligned::new(tiny::PICTURE_FIXTURE);
    assert_eq!(values::<Float>(&Model::parse(bytes.as_slice())?, &raw)?, [0.0, 0.0, 1.0]);

    // Levels are compared by `Binary` alone.
    let levels = Header { input: Input::Levels { max: 4 }, ..header(Binarisation::Threshold { above: 0.5 }) };
    assert_eq!(f32_values(&levels, &[1.0, 2.0, 3.0])?, [0.25, 0.5, 0.75]);

    // After offset and scale, (r − 0.5)·0.25 and (r + 2)·2.
    let (scaled, layers) = tiny::scaled();
    let bytes =
        tiny::encoded(&Header { presentation: presented(Binarisation::Threshold { above: 3.0 }), ..scaled }, &layers);
    assert_eq!(values::<Float>(&Model::parse(bytes.as_slice())?, &[12.0f32, -0.5, 13.0, 0.0])?, [0.0, 0.0, 1.0, 1.0]);
    Ok(())
}

#[test]
fn lengths_and_numbers_that_do_not_fit() -> Result<(), ModelError> {
    let (float, int8) = (Aligned::new(tiny::SCALED_FIXTURE), Aligned::new(tiny::SCALED_INT8_FIXTURE));
    let (float, int8) = (Model::parse(float.as_slice())?, Model::parse(int8.as_slice())?);
    let shape = |what, expected, found| ModelError::from(ShapeError { what, expected, found });
    assert_eq!(float.values::<Float>(&[0.0f32; 3], &mut [0.0; 4]), Err(shape("raw inputs", 4, 3)));
    assert_eq!(float.values::<Float>(&[0.0f32; 4], &mut [0.0; 5]), Err(shape("inputs", 4, 5)));
    let other = |expected| Err(ModelError::Layer { layer: 0, expected });
    assert_eq!(float.values::<Integer>(&[0; 4], &mut [0; 4]), other(Integer::HIDDEN));
    assert_eq!(int8.values::<Float>(&[0.0f32; 3], &mut [0.0; 3]), other(Float::HIDDEN));
    Ok(())
}

/// A number, an offset and a scale of any size, the limits among them.
fn counts() -> impl Strategy<Value = i32> {
    prop_oneof![any::<i32>(), -70_000..70_000, Just(MAX_OFFSET), Just(-MAX_OFFSET), Just(i32::MIN), Just(i32::MAX)]
}

proptest! {
    /// No sum or product overflows an i32, whatever the numbers are (the tests' profile would notice), and what comes out is the formula's, in
    /// numbers without bounds.
    #[test]
    fn integers_never_overflow(
        raw in counts(),
        offset in -MAX_OFFSET..=MAX_OFFSET,
        multiplier in 1..1u16 << 15,
        pre in 0..=Rescale::MAX_SHIFT,
        post in 0..=Rescale::MAX_SHIFT,
    ) {
        let shift = |a: i128, n: u8| (a + (1i128 << n) / 2).div_euclid(1 << n);
        let difference = i128::from(raw.clamp(-MAX_OFFSET, MAX_OFFSET)) - i128::from(offset);
        let product = shift(difference, pre).clamp(-32_767, 32_767) * i128::from(multiplier);
        let exact = shift(product, post).clamp(0, 128);
        prop_assert_eq!(i128::from(scaled(raw, offset, Rescale { multiplier, pre, post })), exact);
    }

    /// The channels of a file are those of its sections, in order, whatever their number.
    #[test]
    fn windows_repeat_the_channels(channels in 1..6usize, steps in 1..4usize, seed: u32) {
        let inputs = channels * steps;
        let machine = Quantised::random(inputs, 2, 1.0, seed);
        let offsets: Vec<i32> = (0..channels as i32).map(|c| 10 * c).collect();
        let scales: Vec<_> = (1..=channels as u16).map(|c| Rescale { multiplier: c, pre: 0, post: 0 }).collect();
        let scaling = Some(Scaling::Integer { offsets: &offsets, scales: &scales, counts: &vec![1.0; channels] });
        let header = Header { input: Input::Scaled { channels: channels as u32 }, scaling, ..Header::default() };
        let bytes = tiny::encoded(&header, &[Layer::IntegerRbm(machine.rbm())]);
        let model = Model::parse(bytes.as_slice()).expect("a valid file");
        let raw: Vec<i32> = (0..inputs as i32).map(|i| 7 * i).collect();
        let expected: Vec<u8> = (0..inputs)
            .map(|i| ((raw[i] - offsets[i % channels]) * (1 + i % channels) as i32).clamp(0, ONE.into()) as u8)
            .collect();
        prop_assert_eq!(values::<Integer>(&model, &raw).expect("numbers that fit"), expected);
        prop_assert_eq!(model.header().scaling, scaling);
        let renamed = Header { input: Input::Scaled { channels: 1 + inputs as u32 }, ..header };
        let refused = FormatError::Channels { channels: 1 + inputs as u32, inputs: inputs as u32 };
        prop_assert_eq!(ebm_core::format::encoded_len(&renamed, &[Layer::IntegerRbm(machine.rbm())]), Err(refused.into()));
    }
}
