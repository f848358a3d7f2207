// The kernel of each sum over rows, which OPERATION stands for: a group of threads sums a row, always in the same order.

var<workgroup> parts: array<vec2<f32>, ROW_GROUP>;

@compute @workgroup_size(ROW_GROUP)
fn each_row(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let row = group(id, groups);
    var sum = vec2(0.0, 0.0);
    for (var i = local; i < p.n.y && row < p.n.x; i += ROW_GROUP) {
        sum += OPERATION(row, i);
    }
    parts[local] = sum;
    workgroupBarrier();
    for (var half = ROW_GROUP / 2u; half > 0u; half /= 2u) {
        if local < half {
            parts[local] += parts[local + half];
        }
        workgroupBarrier();
    }
    if row < p.n.x {
        OPERATION_of(row, parts[0], local);
    }
}
