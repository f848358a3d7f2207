//! [`embed_model!`](crate::embed_model): a model file in the program, its shapes as constants.

/// Bytes at a multiple of 16, where a model can be borrowed from.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub struct Aligned<T>(
    /// The bytes.
    pub T,
);

/// Puts a model file into the program and makes its shapes constants, so that every buffer has its size at build time. A file that does not take
/// and give as many values as the program expects does not build, and the compiler's error names both shapes.
///
/// `embed_model!(pub mod NAME = PATH, INPUTS => OUTPUTS)` makes a module with `FILE` (a static, in flash), `SHAPE` and its parts `INPUTS`,
/// `OUTPUTS`, `WORK`, `VISIBLE` and `HIDDEN` ([`Shape`](crate::format::Shape)), and `model()`, which checks the file and borrows it. The path is
/// relative to the source file. Attributes before `pub mod` are the static's, a linker section for one.
///
/// ```
/// use ebm_core::{Chain, Integer, Machine};
///
/// /// Levels that the sensor gives, and what we want to know of them.
/// const SENSOR: (usize, usize) = (3, 2);
/// ebm_core::embed_model!(mod tiny = "../../tests/fixtures/v1-tiny-int8.ebm", SENSOR.0 => SENSOR.1);
///
/// let model = tiny::model()?;
/// let (mut work, mut scores) = ([0; tiny::WORK], [0; tiny::OUTPUTS]);
/// let class = model.classify::<Integer>(&[128, 64, 0], &mut work, &mut scores)?;
/// assert_eq!(class, 0);
/// let chain = Chain::<u8, { tiny::VISIBLE }, { tiny::HIDDEN }>::new([0; tiny::VISIBLE]);
/// assert_eq!(chain.hidden().len(), model.machine::<Integer>()?.hidden());
/// # Ok::<(), ebm_core::ModelError>(())
/// ```
///
/// ```compile_fail,E0080
/// // error: the model file takes 3 inputs and gives 2 outputs, the program expects 4 and 2
/// ebm_core::embed_model!(mod tiny = "../../tests/fixtures/v1-tiny-int8.ebm", 4 => 2);
/// ```
#[macro_export]
macro_rules! embed_model {
    ($(#[$attribute:meta])* $visibility:vis mod $name:ident = $path:expr, $inputs:expr => $outputs:expr) => {
        /// A model file in the program: its bytes, its shapes, and the model.
        #[allow(dead_code, reason = "a program need not use every constant")]
        $visibility mod $name {
            const BYTES: &[u8] = include_bytes!($path);
            /// The file, where it can be borrowed.
            $(#[$attribute])*
            pub static FILE: $crate::Aligned<[u8; BYTES.len()]> = $crate::Aligned(*include_bytes!($path));
            /// What the file says of its shapes.
            pub const SHAPE: $crate::format::Shape = $crate::format::Shape::of(BYTES);
            /// Number of inputs.
            pub const INPUTS: usize = SHAPE.inputs;
            /// Number of outputs.
            pub const OUTPUTS: usize = SHAPE.outputs;
            /// Values that the model works in.
            pub const WORK: usize = SHAPE.work;
            /// Visible units of layer 0.
            pub const VISIBLE: usize = SHAPE.visible;
            /// Hidden units of layer 0.
            pub const HIDDEN: usize = SHAPE.hidden;

            /// Checks the file and borrows it. Fails when it was damaged, or is otherwise none.
            pub fn model() -> Result<$crate::Model<'static>, $crate::format::FormatError> {
                $crate::Model::parse(&FILE.0)
            }
        }
        const _: () = $name::SHAPE.expect($inputs, $outputs);
    };
}
