// Products of matrices, by tiles that a group keeps at hand: sums of a·b and, where there is a second term, c·d. What becomes of
// four sums that lie side by side in a row is OPERATION's: a function of the row, the first column and the sums.
//
// A tile is TILE × TILE sums, gathered DEPTH of their terms at a time; a thread has MICRO × MICRO of them. Where a tile leaves threads over, they
// are as many slices, each with its share of the terms: a small product has few tiles, and its sums are long.
//
// n: rows, columns, terms of a sum, link. m: strides of a (and c) from row to row and along the sum, of b (and d) along the sum and from column to
// column. second: terms of the sum of c·d. s: keep, scale of a·b, scale of c·d; others as the operation says. t, u: the operation's.

// Threads along a side of a tile.
const ACROSS = TILE / MICRO;
const THREADS = ACROSS * ACROSS;
const SLICES = GROUP / THREADS;
// Sums of a thread, by four.
const QUADS = MICRO / 4u;
const FOURS = MICRO * QUADS;
// More than the tile: numbers that threads write side by side then lie in different banks.
const PITCH = TILE + 4u;
const RIGHT = PITCH * DEPTH;
const KEPT = 2u * RIGHT;
// Numbers between one four of half the slices' threads and their next.
const HALF = 4u * GROUP / 2u;

// Factors, and afterwards sums of slices.
var<workgroup> kept: array<f32, KEPT>;

fn left_number(term: u32, place: u32) -> f32 {
    if term == 0u {
        return p.s.y * a[place];
    }
    return p.s.z * c[place];
}

fn right_number(term: u32, place: u32) -> f32 {
    if term == 0u {
        return b[place];
    }
    return d[place];
}

// Keeps DEPTH terms from `inner` on of the tile that begins at `first`.
fn gather(first: vec2<u32>, term: u32, inner: u32, terms: u32, index: u32) {
    for (var element = index; element < TILE * DEPTH; element += GROUP) {
        // Threads side by side read numbers side by side.
        let along = vec2(element % DEPTH, element / DEPTH);
        let across = vec2(element / TILE, element % TILE);
        let of_left = select(across, along, p.m.y == 1u);
        let of_right = select(across, along, p.m.z == 1u);
        var number = 0.0;
        if first.x + of_left.y < p.n.x && inner + of_left.x < terms {
            number = left_number(term, (first.x + of_left.y) * p.m.x + (inner + of_left.x) * p.m.y);
        }
        kept[of_left.x * PITCH + of_left.y] = number;
        number = 0.0;
        if first.y + of_right.y < p.n.y && inner + of_right.x < terms {
            number = right_number(term, (inner + of_right.x) * p.m.z + (first.y + of_right.y) * p.m.w);
        }
        kept[RIGHT + of_right.x * PITCH + of_right.y] = number;
    }
}

@compute @workgroup_size(GROUP)
fn product(
    @builtin(workgroup_id) id: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
) {
    let tiles = (p.n.y + TILE - 1u) / TILE;
    let tile = group(id, groups);
    let first = vec2(tile / tiles * TILE, tile % tiles * TILE);
    if first.x >= p.n.x {
        return;
    }
    let slice = index / THREADS;
    let thread = index % THREADS;
    // A thread's rows and columns lie by fours, ACROSS fours apart.
    let row = thread / ACROSS * 4u;
    let column = thread % ACROSS * 4u;
    var sums: array<vec4<f32>, FOURS>;
    for (var term = 0u; term < 2u; term++) {
        let terms = select(p.second, p.n.z, term == 0u);
        for (var inner = 0u; inner < terms; inner += DEPTH) {
            gather(first, term, inner, terms, index);
            workgroupBarrier();
            for (var k = slice; k < DEPTH; k += SLICES) {
                let right = RIGHT + k * PITCH + column;
                var columns: array<vec4<f32>, QUADS>;
                for (var j = 0u; j < QUADS; j++) {
                    let place = right + j * ACROSS * 4u;
                    columns[j] = vec4(kept[place], kept[place + 1u], kept[place + 2u], kept[place + 3u]);
                }
                for (var i = 0u; i < MICRO; i++) {
                    let number = kept[k * PITCH + row + i / 4u * ACROSS * 4u + i % 4u];
                    for (var j = 0u; j < QUADS; j++) {
                        sums[i * QUADS + j] += number * columns[j];
                    }
                }
            }
            workgroupBarrier();
        }
    }
    // Half of the slices add theirs to the other half's, always in the same order.
    for (var half = SLICES / 2u; half > 0u; half /= 2u) {
        let place = 4u * (index % (half * THREADS));
        if slice >= half && slice < 2u * half {
            for (var i = 0u; i < FOURS; i++) {
                for (var j = 0u; j < 4u; j++) {
                    kept[place + HALF * i + j] = sums[i][j];
                }
            }
        }
        workgroupBarrier();
        if slice < half {
            for (var i = 0u; i < FOURS; i++) {
                let from_slice = place + HALF * i;
                sums[i] += vec4(kept[from_slice], kept[from_slice + 1u], kept[from_slice + 2u], kept[from_slice + 3u]);
            }
        }
        workgroupBarrier();
    }
    if slice > 0u {
        return;
    }
    for (var i = 0u; i < MICRO; i++) {
        for (var j = 0u; j < QUADS; j++) {
            let of_row = first.x + row + i / 4u * ACROSS * 4u + i % 4u;
            let of_column = first.y + column + j * ACROSS * 4u;
            if of_row < p.n.x && of_column < p.n.y {
                OPERATION(of_row, of_column, sums[i * QUADS + j]);
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

// x = link(keep·x + sums + bias). s.w: 1 where c is the bias.
fn link(row: u32, column: u32, sums: vec4<f32>) {
    for (var j = 0u; j < min(4u, p.n.y - column); j++) {
        var sum = sums[j];
        // What x held may be anything where it is not kept.
        if p.s.x != 0.0 {
            sum += p.s.x * x[row * p.n.y + column + j];
        }
        if p.s.w != 0.0 {
            sum += c[column + j];
        }
        x[row * p.n.y + column + j] = linked(sum);
    }
}

// x = sums back through units of the link whose outputs are c; s.w: share that dropout keeps.
fn back(row: u32, column: u32, sums: vec4<f32>) {
    for (var j = 0u; j < min(4u, p.n.y - column); j++) {
        let i = row * p.n.y + column + j;
        x[i] = passed_back(p.n.w, p.s.w, c[i], sums[j]);
    }
}

// x = states of Bernoulli units drawn at inverse temperature s.w; c is the bias.
fn sample(row: u32, column: u32, sums: vec4<f32>) {
    let draws = draw_block(row, column / 4u);
    for (var j = 0u; j < min(4u, p.n.y - column); j++) {
        x[row * p.n.y + column + j] = state(sigmoid(p.s.w * (sums[j] + c[column + j])), draws[j]);
    }
}

// x = states of Bernoulli units, y = their means; c is the bias.
fn sample_and_mean(row: u32, column: u32, sums: vec4<f32>) {
    let draws = draw_block(row, column / 4u);
    for (var j = 0u; j < min(4u, p.n.y - column); j++) {
        let mean = sigmoid(sums[j] + c[column + j]);
        y[row * p.n.y + column + j] = mean;
        x[row * p.n.y + column + j] = state(mean, draws[j]);
    }
}

// x goes a step down the gradient sums + s.w·x.
fn descend_momentum(row: u32, column: u32, sums: vec4<f32>) {
    for (var j = 0u; j < min(4u, p.n.y - column); j++) {
        let i = row * p.n.y + column + j;
        x[i] = momentum(i, sums[j] + p.s.w * x[i]);
    }
}

fn descend_adam(row: u32, column: u32, sums: vec4<f32>) {
    for (var j = 0u; j < min(4u, p.n.y - column); j++) {
        let i = row * p.n.y + column + j;
        x[i] = adam(i, sums[j] + p.s.w * x[i]);
    }
}
