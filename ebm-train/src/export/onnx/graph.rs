//! [`Graph`]: operators and the values between them, as ONNX's `GraphProto` holds them.
//!
//! Numbers of fields and types are those of `onnx/onnx.proto`.

use super::protobuf::Message;

/// What an element of a value is: `TensorProto.DataType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    /// IEEE single precision.
    Float = 1,
    /// Signed, 64 bits.
    Int64 = 7,
}

/// A value that an operator takes or gives, by its name.
pub(super) type Value = String;

/// What goes in or comes out, for whoever calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// `float32` or `int64`.
    pub dtype: &'static str,
    /// Its dimensions after the first, which is the number of samples.
    pub sample: Vec<usize>,
}

/// A graph that is being built. Every name in it stands for one value.
#[derive(Default)]
pub(super) struct Graph {
    nodes: Vec<Message>,
    constants: Vec<Message>,
    inputs: Vec<(Port, Message)>,
    outputs: Vec<(Port, Message)>,
}

/// What the samples' dimension is called.
pub const BATCH: &str = "batch";

impl Graph {
    /// A value that the caller gives.
    pub fn input(&mut self, name: &str, element: Element, sample: &[usize]) -> Value {
        self.inputs.push(port(name, element, sample));
        name.to_owned()
    }

    /// Makes a value one that the caller gets.
    pub fn output(&mut self, value: &Value, element: Element, sample: &[usize]) {
        self.outputs.push(port(value, element, sample));
    }

    /// Numbers that are part of the graph, the last index fastest; none of the shape for a single one.
    pub fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) -> Value {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(name, Element::Float, shape, &bytes)
    }

    /// The same of whole numbers.
    pub fn integers(&mut self, name: &str, shape: &[usize], values: &[i64]) -> Value {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(name, Element::Int64, shape, &bytes)
    }

    fn constant(&mut self, name: &str, element: Element, shape: &[usize], bytes: &[u8]) -> Value {
        let dimensions = shape.iter().fold(Message::default(), |tensor, &size| tensor.number(1, size as i64));
        self.constants.push(dimensions.number(2, element as i64).text(8, name).bytes(9, bytes));
        name.to_owned()
    }

    /// The value `name` that an operator makes of others.
    pub fn apply(&mut self, operator: &str, inputs: &[&Value], name: &str) -> Value {
        self.apply_with(operator, inputs, name, &[])
    }

    /// The same with attributes that are whole numbers.
    pub fn apply_with(&mut self, operator: &str, inputs: &[&Value], name: &str, attributes: &[(&str, i64)]) -> Value {
        /// `AttributeProto.AttributeType.INT`.
        const INT: i64 = 2;
        let node = inputs.iter().fold(Message::default(), |node, input| node.text(1, input));
        let attributes: Vec<Message> = attributes
            .iter()
            .map(|(name, number)| Message::default().text(1, name).number(3, *number).number(20, INT))
            .collect();
        // A node is called as what it gives.
        self.nodes.push(node.text(2, name).text(3, name).text(4, operator).messages(5, &attributes));
        name.to_owned()
    }

    /// What goes in, and what comes out.
    pub fn ports(&self) -> [Vec<Port>; 2] {
        [&self.inputs, &self.outputs].map(|ports| ports.iter().map(|(port, _)| port.clone()).collect())
    }

    /// The whole as `GraphProto`.
    pub fn message(&self, name: &str) -> Message {
        Message::default()
            .messages(1, &self.nodes)
            .text(2, name)
            .messages(5, &self.constants)
            .messages(11, self.inputs.iter().map(|(_, message)| message))
            .messages(12, self.outputs.iter().map(|(_, message)| message))
    }
}

/// A `ValueInfoProto` whose first dimension is the number of samples, and what it says.
fn port(name: &str, element: Element, sample: &[usize]) -> (Port, Message) {
    let sizes = sample.iter().map(|&size| Message::default().number(1, size as i64));
    let dimensions: Vec<Message> = std::iter::once(Message::default().text(2, BATCH)).chain(sizes).collect();
    let shape = Message::default().messages(1, &dimensions);
    let tensor = Message::default().number(1, element as i64).message(2, &shape);
    let message = Message::default().text(1, name).message(2, &Message::default().message(1, &tensor));
    let dtype = match element {
        Element::Float => "float32",
        Element::Int64 => "int64",
    };
    (Port { name: name.to_owned(), dtype, sample: sample.to_vec() }, message)
}
