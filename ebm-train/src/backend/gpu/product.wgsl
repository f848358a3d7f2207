// x (rows × columns) = link(keep·x + scale·a·b + bias), by tiles of 64 × 64 that a group keeps at hand.
//
// n: rows, columns, inner length, link. m: strides of a from row to row and along the inner length, of b along the inner length and from column to
// column. s: keep, scale. t: 1 where c is the bias.

const TILE = 64u;
const DEPTH = 16u;
// One more than the tile: numbers that threads write side by side then lie in different banks.
const PITCH = 65u;

var<workgroup> left: array<f32, 1040>;
var<workgroup> right: array<f32, 1040>;

@compute @workgroup_size(16, 16)
fn product(
    @builtin(workgroup_id) tile: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    let first = vec2(tile.y * TILE, tile.x * TILE);
    var sums: array<vec4<f32>, 4>;
    for (var inner = 0u; inner < p.n.z; inner += DEPTH) {
        for (var turn = 0u; turn < 4u; turn++) {
            let element = index + turn * 256u;
            // Threads side by side read numbers side by side.
            let along = vec2(element % DEPTH, element / DEPTH);
            let across = vec2(element / TILE, element % TILE);
            let of_left = select(across, along, p.m.y == 1u);
            let of_right = select(across, along, p.m.z == 1u);
            var number = 0.0;
            if first.x + of_left.y < p.n.x && inner + of_left.x < p.n.z {
                number = a[(first.x + of_left.y) * p.m.x + (inner + of_left.x) * p.m.y];
            }
            left[of_left.x * PITCH + of_left.y] = number;
            number = 0.0;
            if first.y + of_right.y < p.n.y && inner + of_right.x < p.n.z {
                number = b[(inner + of_right.x) * p.m.z + (first.y + of_right.y) * p.m.w];
            }
            right[of_right.x * PITCH + of_right.y] = number;
        }
        workgroupBarrier();
        for (var k = 0u; k < DEPTH; k++) {
            let l = k * PITCH + local.y * 4u;
            let r = k * PITCH + local.x * 4u;
            let columns = vec4(right[r], right[r + 1u], right[r + 2u], right[r + 3u]);
            sums[0] += left[l] * columns;
            sums[1] += left[l + 1u] * columns;
            sums[2] += left[l + 2u] * columns;
            sums[3] += left[l + 3u] * columns;
        }
        workgroupBarrier();
    }
    for (var i = 0u; i < 4u; i++) {
        for (var j = 0u; j < 4u; j++) {
            let row = first.x + local.y * 4u + i;
            let column = first.y + local.x * 4u + j;
            if row < p.n.x && column < p.n.y {
                var sum = p.s.y * sums[i][j];
                // What x held may be anything where it is not kept.
                if p.s.x != 0.0 {
                    sum += p.s.x * x[row * p.n.y + column];
                }
                if p.t.x != 0.0 {
                    sum += c[column];
                }
                x[row * p.n.y + column] = linked(sum);
            }
        }
    }
}

fn linked(sum: f32) -> f32 {
    if p.n.w == SIGMOID {
        return sigmoid(sum);
    }
    if p.n.w == RECTIFIER && sum < 0.0 {
        return 0.0;
    }
    return sum;
}
