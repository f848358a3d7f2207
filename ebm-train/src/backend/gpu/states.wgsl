// States of Bernoulli units drawn over weights rounded to 16 bits, by products of small matrices of 16-bit numbers.
//
// A state is 0 or 1, and a weight of n quanta is 256·high + low, whole numbers of up to 8 bits: 16-bit numbers hold both exactly, and sums of 32
// bits are whole numbers under 2²⁴. So the fields are to the bit those that any other way of adding up gives, and so are the states.
//
// Matrices are padded to multiples of PAD rows and columns, with zeros in the weights. n: rows, columns, inner length, all padded, and the columns
// that are drawn. m: columns from row to row of the states, of the weights and of what is drawn; where the low parts of the weights begin.
// first, second: as everywhere, and the rows that are drawn. s.x: inverse temperature. c: the bias, d: the quantum.

@group(0) @binding(2) var<storage, read> states: array<f16>;
@group(0) @binding(3) var<storage, read> weights: array<f16>;
@group(0) @binding(6) var<storage, read_write> drawn: array<f16>;

// A subgroup's sums.
const ELEMENTS = SIZE * SIZE;
var<workgroup> sums: array<f32, ELEMENTS * SUBGROUPS>;

@compute @workgroup_size(MATRIX_GROUP)
fn OPERATION(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(num_subgroups) subgroups: u32,
    @builtin(subgroup_invocation_id) lane: u32,
    @builtin(subgroup_size) lanes: u32,
) {
    // A subgroup has a block of 2 × 2 matrices; those beyond the last do the last once more.
    let across = p.n.y / (2u * SIZE);
    let blocks = p.n.x / (2u * SIZE) * across;
    let block = min(group(id, groups) * subgroups + subgroup, blocks - 1u);
    let row = block / across * 2u * SIZE;
    let column = block % across * 2u * SIZE;
    var high_00: Sums;
    var high_01: Sums;
    var high_10: Sums;
    var high_11: Sums;
    var low_00: Sums;
    var low_01: Sums;
    var low_10: Sums;
    var low_11: Sums;
    for (var k = 0u; k < p.n.z; k += SIZE) {
        let states_0 = coopLoadT<States>(&states[row * p.m.x + k], p.m.x);
        let states_1 = coopLoadT<States>(&states[(row + SIZE) * p.m.x + k], p.m.x);
        let place_0 = place_OPERATION(k, column);
        let place_1 = place_OPERATION(k, column + SIZE);
        let weights_0 = LOAD<Weights>(&weights[place_0], p.m.y);
        let weights_1 = LOAD<Weights>(&weights[place_1], p.m.y);
        high_00 = coopMultiplyAdd(states_0, weights_0, high_00);
        high_01 = coopMultiplyAdd(states_0, weights_1, high_01);
        high_10 = coopMultiplyAdd(states_1, weights_0, high_10);
        high_11 = coopMultiplyAdd(states_1, weights_1, high_11);
        let low_0 = LOAD<Weights>(&weights[p.m.w + place_0], p.m.y);
        let low_1 = LOAD<Weights>(&weights[p.m.w + place_1], p.m.y);
        low_00 = coopMultiplyAdd(states_0, low_0, low_00);
        low_01 = coopMultiplyAdd(states_0, low_1, low_01);
        low_10 = coopMultiplyAdd(states_1, low_0, low_10);
        low_11 = coopMultiplyAdd(states_1, low_1, low_11);
    }
    let kept = subgroup * ELEMENTS;
    coopStoreT(256.0 * high_00 + low_00, &sums[kept], SIZE);
    workgroupBarrier();
    draw(row, column, kept, lane, lanes);
    workgroupBarrier();
    coopStoreT(256.0 * high_01 + low_01, &sums[kept], SIZE);
    workgroupBarrier();
    draw(row, column + SIZE, kept, lane, lanes);
    workgroupBarrier();
    coopStoreT(256.0 * high_10 + low_10, &sums[kept], SIZE);
    workgroupBarrier();
    draw(row + SIZE, column, kept, lane, lanes);
    workgroupBarrier();
    coopStoreT(256.0 * high_11 + low_11, &sums[kept], SIZE);
    workgroupBarrier();
    draw(row + SIZE, column + SIZE, kept, lane, lanes);
}

// Where a matrix of weights begins: they are hidden × visible, and the rows of the matrix are visible units upwards, hidden ones downwards.
fn place_up(inner: u32, column: u32) -> u32 {
    return column * p.m.y + inner;
}

fn place_down(inner: u32, column: u32) -> u32 {
    return inner * p.m.y + column;
}

// Draws the units of a matrix of sums, four of a row at a time.
fn draw(row: u32, column: u32, kept: u32, lane: u32, lanes: u32) {
    for (var four = lane; four < ELEMENTS / 4u; four += lanes) {
        let of_row = row + four * 4u / SIZE;
        let of_column = column + four * 4u % SIZE;
        if of_row < p.second {
            let draws = draw_block(of_row, of_column / 4u);
            for (var i = 0u; i < 4u; i++) {
                var unit = 0.0;
                if of_column + i < p.n.w {
                    let field = c[of_column + i] + d[0] * sums[kept + four * 4u + i];
                    unit = state(sigmoid(p.s.x * field), draws[i]);
                }
                drawn[of_row * p.m.z + of_column + i] = f16(unit);
            }
        }
    }
}
