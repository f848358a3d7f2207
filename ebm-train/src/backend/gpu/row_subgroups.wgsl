// The kernel of each sum over rows, as row.wgsl has it, of cards whose threads can add up without meeting in a group's memory.

var<workgroup> parts: array<vec2<f32>, ROW_GROUP>;

@compute @workgroup_size(ROW_GROUP)
fn each_row(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
    @builtin(subgroup_invocation_id) lane: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(num_subgroups) subgroups: u32,
) {
    let row = group(id, groups);
    var sum = vec2(0.0, 0.0);
    for (var i = local; i < p.n.y && row < p.n.x; i += ROW_GROUP) {
        sum += OPERATION(row, i);
    }
    // Threads meet again before they add up.
    workgroupBarrier();
    let of_subgroup = subgroupAdd(sum);
    if lane == 0u {
        parts[subgroup] = of_subgroup;
    }
    workgroupBarrier();
    var all = parts[0];
    for (var i = 1u; i < subgroups; i++) {
        all += parts[i];
    }
    if row < p.n.x {
        OPERATION_of(row, all, local);
    }
}
