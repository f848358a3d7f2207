// Rows and columns that move: x[to, put + j] = a[from, take + j].
//
// n: rows, columns that move, columns of a, columns of x. m: column of a that comes first, and of x that it becomes; then the rows of a set that a
// holds: the first, and how many.

@compute @workgroup_size(GROUP)
fn move_columns(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let number = thread(id, groups);
    let row = number / p.n.y;
    if row >= p.n.x {
        return;
    }
    let column = number % p.n.y;
    x[row * p.n.w + p.m.y + column] = a[row * p.n.z + p.m.x + column];
}

// Rows named by words. Those that do not lie in a, which holds m.w rows of a set from its row m.z on, stay.
@compute @workgroup_size(GROUP)
fn take_rows(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let number = thread(id, groups);
    let row = number / p.n.y;
    if row >= p.n.x {
        return;
    }
    let source = words[p.first + row];
    if source >= p.m.z && source - p.m.z < p.m.w {
        x[number] = a[(source - p.m.z) * p.n.y + number % p.n.y];
    }
}
