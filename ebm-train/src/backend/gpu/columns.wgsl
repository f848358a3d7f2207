// Sums of columns: s.y·Σ of the rows of a + s.z·Σ of the rows of b. What becomes of one is OPERATION's.
//
// n: columns, rows of a, rows of b. A group sums COLUMNS columns, each in as many parts as there are threads left, always in the same order. x is 1 × columns.

var<workgroup> parts: array<f32, GROUP>;

@compute @workgroup_size(GROUP)
fn each_column(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let column = group(id, groups) * COLUMNS + local % COLUMNS;
    var sum = 0.0;
    for (var row = local / COLUMNS; row < p.n.y && column < p.n.x; row += GROUP / COLUMNS) {
        sum += p.s.y * a[row * p.n.x + column];
    }
    for (var row = local / COLUMNS; row < p.n.z && column < p.n.x; row += GROUP / COLUMNS) {
        sum += p.s.z * b[row * p.n.x + column];
    }
    parts[local] = sum;
    workgroupBarrier();
    for (var half = GROUP / 2u; half >= COLUMNS; half /= 2u) {
        if local < half {
            parts[local] += parts[local + half];
        }
        workgroupBarrier();
    }
    if local < COLUMNS && column < p.n.x {
        OPERATION(column, parts[local]);
    }
}

// x = s.x·x + the sum. With s.x = 0 what x held does not matter.
fn column_sums(i: u32, sum: f32) {
    if p.s.x == 0.0 {
        x[i] = sum;
    } else {
        x[i] = p.s.x * x[i] + sum;
    }
}

// x goes a step down the sums.
fn descend_momentum(i: u32, sum: f32) {
    x[i] = momentum(i, sum);
}

fn descend_adam(i: u32, sum: f32) {
    x[i] = adam(i, sum);
}
