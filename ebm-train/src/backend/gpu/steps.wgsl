// Steps of optimisers: number i of the parameter x after one down its gradient. y, z: its moments.

// t: learning rate, momentum.
fn momentum(i: u32, gradient: f32) -> f32 {
    y[i] = p.t.y * y[i] + gradient;
    return x[i] - p.t.x * y[i];
}

// t: learning rate, β₁, β₂, ε. u: the corrections of both moments.
fn adam(i: u32, gradient: f32) -> f32 {
    y[i] = p.t.y * y[i] + (1.0 - p.t.y) * gradient;
    z[i] = p.t.z * z[i] + (1.0 - p.t.z) * gradient * gradient;
    return x[i] - p.t.x * (y[i] * p.u.x) / (sqrt(z[i] * p.u.y) + p.t.w);
}
