//! The update of contrastive divergence, in place: one hidden unit's weights at a time, so that no gradient is ever held.

/// How far a step goes (Hinton 2010, sections 7 and 9).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Size of a step, `ε`.
    pub learning_rate: f32,
    /// Share of the last velocity that is kept, `μ` in `[0, 1)`.
    pub momentum: f32,
    /// `λ` of the L2 penalty `λ/2·‖W‖²`; biases have none.
    pub weight_decay: f32,
}

/// `θ_n ← θ_n + ε·m_n`, `m_n ← μ·m_n + g_n` first, with `g_n = data_n·of_data − model_n·of_model − λ·θ_n`.
///
/// Without velocities `m_n` is `g_n`. For a column of weights `data` and `model` are visible states, and `of_data` and `of_model` the hidden unit's
/// means given them.
pub fn update(
    rates: Rates,
    parameters: &mut [f32],
    velocities: Option<&mut [f32]>,
    (data, of_data): (&[f32], f32),
    (model, of_model): (&[f32], f32),
) {
    let Rates { learning_rate, momentum, weight_decay } = rates;
    let gradient = |parameter: f32, data: f32, model: f32| data * of_data - model * of_model - weight_decay * parameter;
    let units = parameters.iter_mut().zip(data).zip(model);
    match velocities {
        Some(velocities) => {
            for (((parameter, &data), &model), velocity) in units.zip(velocities) {
                *velocity = momentum * *velocity + gradient(*parameter, data, model);
                *parameter += learning_rate * *velocity;
            }
        }
        None => {
            for ((parameter, &data), &model) in units {
                *parameter += learning_rate * gradient(*parameter, data, model);
            }
        }
    }
}
