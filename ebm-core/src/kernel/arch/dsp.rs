//! The sums for Cortex-M4, M7 and those M33 and later that have the DSP extension.
//!
//! `SMLAD` multiplies and adds two pairs of 16-bit lanes, which `SXTB16`, `UXTB16` or a mask makes of alternate bytes or nibbles of a
//! word; four outputs share the lanes of the inputs. `LDR` may be unaligned on these processors (unless CCR.UNALIGN_TRP is set, which
//! it is not after reset), so columns of bytes and inputs may begin anywhere; only words in rows are read by `LDRD`, which may not.
//!
//! Loops go over whole words of weights; what is left of a column is the portable kernel's.

use super::portable;
use crate::kernel::integer::{BLOCK, ROW_WORDS};
use core::arch::naked_asm;

/// [`portable::int8_columns`].
#[inline]
pub fn int8_columns(columns: &[i8], inputs: &[u8], sparse: bool, sums: &mut [i32; BLOCK]) {
    let (length, words) = (inputs.len(), inputs.len() / 4);
    if words == 0 || length.checked_mul(BLOCK) != Some(columns.len()) {
        return portable::int8_columns(columns, inputs, sparse, sums);
    }
    // SAFETY: four columns are there, each as long as the inputs, of which the whole words are read; so are their sums.
    unsafe { int8_words(columns.as_ptr(), inputs.as_ptr(), words, sums.as_mut_ptr(), length, sparse) };
    if !length.is_multiple_of(4) {
        add_last_bytes(columns, inputs, sums);
    }
}

/// Adds the products of the inputs after the last whole word.
#[cold]
#[inline(never)]
fn add_last_bytes(columns: &[i8], inputs: &[u8], sums: &mut [i32; BLOCK]) {
    let words = inputs.len() / 4;
    let rest = inputs.get(4 * words..).unwrap_or_default();
    for (sum, column) in sums.iter_mut().zip(columns.chunks_exact(inputs.len().max(1))) {
        let ends = column.iter().skip(4 * words).zip(rest);
        *sum += ends.map(|(&w, &x)| i32::from(w) * i32::from(x)).sum::<i32>();
    }
}

/// [`portable::int4_columns`].
#[inline]
pub fn int4_columns(columns: &[u32], inputs: &[u8], sums: &mut [i32; BLOCK]) {
    if !by_words(int4_words, columns, inputs, 8, sums) {
        portable::int4_columns(columns, inputs, sums);
    } else if !inputs.len().is_multiple_of(8) {
        add_ends(portable::int4_columns, columns, inputs, 8, sums);
    }
}

/// [`portable::sign_columns`].
#[inline]
pub fn sign_columns(columns: &[u32], inputs: &[u8], sums: &mut [i32; BLOCK]) {
    if !by_words(sign_words, columns, inputs, 32, sums) {
        portable::sign_columns(columns, inputs, sums);
    } else if !inputs.len().is_multiple_of(32) {
        add_ends(portable::sign_columns, columns, inputs, 32, sums);
    }
}

/// Sums the words of weights for `width` inputs whose inputs are all there; false where that cannot be done.
fn by_words(
    kernel: unsafe extern "C" fn(*const u32, *const u8, usize, *mut i32, usize),
    columns: &[u32],
    inputs: &[u8],
    width: usize,
    sums: &mut [i32; BLOCK],
) -> bool {
    let (stride, words) = (inputs.len().div_ceil(width), inputs.len() / width);
    if words == 0 || stride.checked_mul(BLOCK) != Some(columns.len()) {
        return false;
    }
    // SAFETY: four columns are there, of a word for `width` inputs, and so are their sums; the words that are read are those whose inputs
    // are there.
    unsafe { kernel(columns.as_ptr(), inputs.as_ptr(), words, sums.as_mut_ptr(), 4 * stride) };
    true
}

/// Adds what `kernel` makes of the last word of each column, whose inputs are fewer than `width`.
#[cold]
fn add_ends(
    kernel: fn(&[u32], &[u8], &mut [i32; BLOCK]),
    columns: &[u32],
    inputs: &[u8],
    width: usize,
    sums: &mut [i32; BLOCK],
) {
    // Not zero: there are inputs after the last whole word.
    let stride = inputs.len().div_ceil(width).max(1);
    let rest = inputs.get((stride - 1) * width..).unwrap_or_default();
    let (mut ends, mut rests) = ([0; BLOCK], [0; BLOCK]);
    ends.iter_mut().zip(columns.chunks_exact(stride)).for_each(|(end, column)| {
        *end = column.last().copied().unwrap_or_default();
    });
    kernel(&ends, rest, &mut rests);
    sums.iter_mut().zip(rests).for_each(|(sum, rest)| *sum += rest);
}

/// [`portable::add_rows`].
#[inline]
pub fn add_rows(on: &[u32], rows: &[u32], stride: usize, lanes: &mut [u32; 2 * ROW_WORDS]) {
    // The last mark is of the last row that is read.
    let Some(group) = on.iter().rposition(|&marks| marks != 0) else { return };
    let last = 32 * group + 31 - on.get(group).map_or(0, |marks| marks.trailing_zeros()) as usize;
    let needed = last.checked_mul(stride).and_then(|before| before.checked_add(ROW_WORDS));
    if stride < ROW_WORDS || needed.is_none_or(|needed| rows.len() < needed) {
        return portable::add_rows(on, rows, stride, lanes);
    }
    // SAFETY: four words of every row up to the last that is marked are there.
    unsafe { add_marked_rows(on.as_ptr(), rows.as_ptr(), 4 * stride, lanes, group + 1) };
}

/// Lets the assembler know the instructions where the target does not say that the part has them.
#[cfg(ebm_dsp_option)]
macro_rules! with_dsp {
    () => {
        ".cpu cortex-m33"
    };
}

/// Armv7E-M has them.
#[cfg(not(ebm_dsp_option))]
macro_rules! with_dsp {
    () => {
        ""
    };
}

/// Adds to `r4 … r7` the products of the lanes of four inputs, `r10` (even) and `r11` (odd), with those that `$even` and `$odd` make,
/// in `lr` and `r12`, of a word of each of four columns, which lie at `r0`, `r2` and `r3 = 3·r2` bytes apart. `$next` is what the last
/// load adds to `r0`.
macro_rules! four_columns {
    ($even:literal, $odd:literal, $next:literal) => {
        concat!(
            "ldr r12, [r0, r2]\n",
            $even,
            "\n",
            $odd,
            "\n",
            "smlad r5, lr, r10, r5\n",
            "smlad r5, r12, r11, r5\n",
            "ldr r12, [r0, r2, lsl #1]\n",
            $even,
            "\n",
            $odd,
            "\n",
            "smlad r6, lr, r10, r6\n",
            "smlad r6, r12, r11, r6\n",
            "ldr r12, [r0, r3]\n",
            $even,
            "\n",
            $odd,
            "\n",
            "smlad r7, lr, r10, r7\n",
            "smlad r7, r12, r11, r7\n",
            "ldr r12, [r0]",
            $next,
            "\n",
            $even,
            "\n",
            $odd,
            "\n",
            "smlad r4, lr, r10, r4\n",
            "smlad r4, r12, r11, r4\n",
        )
    };
}

/// Four inputs from `r8` on, as lanes.
macro_rules! load_lanes {
    () => {
        "ldr r10, [r8], #4\nuxtb16 r11, r10, ror #8\nuxtb16 r10, r10"
    };
}

/// From the arguments (`r0` columns, `r1` inputs, `r2` how many words, `r3` sums, on the stack the stride in bytes) to what
/// [`four_columns`] expects: `r8` the inputs, `r9` their end, `$shift` being the logarithm of the inputs of a word.
macro_rules! enter {
    ($shift:literal) => {
        concat!(
            "push {{r3-r11, lr}}\n",
            "mov r8, r1\n",
            "add r9, r1, r2, lsl #",
            $shift,
            "\n",
            "ldr r2, [sp, #40]\n",
            "add r3, r2, r2, lsl #1\n",
            "movs r4, #0\nmovs r5, #0\nmovs r6, #0\nmovs r7, #0",
        )
    };
}

/// Writes the sums and returns.
macro_rules! leave {
    () => {
        "ldr r0, [sp], #4\nstm r0, {{r4-r7}}\npop {{r4-r11, pc}}"
    };
}

/// The signed bytes of a word.
macro_rules! four_bytes {
    ($next:literal) => {
        four_columns!("sxtb16 lr, r12", "sxtb16 r12, r12, ror #8", $next)
    };
}

/// Sums the first `words` words of four columns of [`Storage::Int8`](crate::kernel::integer::Storage), `stride` bytes apart.
/// Where `sparse`, four inputs that are off are passed by.
///
/// # Safety
/// `columns` can be read for `3·stride + 4·words` bytes, `inputs` for `4·words`, and four `sums` written; `words > 0`.
#[unsafe(naked)]
unsafe extern "C" fn int8_words(
    columns: *const i8,
    inputs: *const u8,
    words: usize,
    sums: *mut i32,
    stride: usize,
    sparse: bool,
) {
    naked_asm!(
        with_dsp!(),
        enter!(2),
        // The end moves to where the stride was, and `r9` says how far the next loop goes: all the way, or until a multiple of
        // four words is left.
        "str r9, [sp, #40]",
        "ldrb r1, [sp, #44]",
        "cmp r1, #0",
        "bne 2f",
        "sub r1, r9, r8",
        "ands r1, r1, #12",
        "beq 5f",
        "add r9, r8, r1",
        "2:",
        "ldr r1, [r8], #4",
        "cbz r1, 4f",
        "uxtb16 r11, r1, ror #8",
        "uxtb16 r10, r1",
        four_bytes!(", #4"),
        "cmp r8, r9",
        "bne 2b",
        "3:",
        "ldr r9, [sp, #40]",
        "cmp r8, r9",
        "bne 5f",
        leave!(),
        "4:",
        "adds r0, r0, #4",
        "cmp r8, r9",
        "bne 2b",
        "b 3b",
        "5:",
        load_lanes!(),
        four_bytes!(", #4"),
        load_lanes!(),
        four_bytes!(", #4"),
        load_lanes!(),
        four_bytes!(", #4"),
        load_lanes!(),
        four_bytes!(", #4"),
        "cmp r8, r9",
        "bne 5b",
        leave!(),
    )
}

/// Sums the first `words` words of four columns of [`Storage::Int4`](crate::kernel::integer::Storage), `stride` bytes apart.
///
/// # Safety
/// `columns` can be read for `3·stride + 4·words` bytes, `inputs` for `8·words`, and four `sums` written; `words > 0`.
#[unsafe(naked)]
unsafe extern "C" fn int4_words(columns: *const u32, inputs: *const u8, words: usize, sums: *mut i32, stride: usize) {
    naked_asm!(
        with_dsp!(),
        enter!(3),
        "mov r1, #0x000F000F",
        "2:",
        load_lanes!(),
        four_columns!("and lr, r1, r12", "and r12, r1, r12, lsr #8", ""),
        load_lanes!(),
        four_columns!("and lr, r1, r12, lsr #4", "and r12, r1, r12, lsr #12", ", #4"),
        "cmp r8, r9",
        "bne 2b",
        leave!(),
    )
}

/// Sums the inputs with a bit in the first `words` words of four columns of [`Storage::Sign`](crate::kernel::integer::Storage),
/// `stride` bytes apart. `SEL` passes the bytes whose bit is among the GE flags, bits 16 to 19 of what `MSR` writes, and `USADA8` adds
/// them up.
///
/// # Safety
/// `columns` can be read for `3·stride + 4·words` bytes, `inputs` for `32·words`, and four `sums` written; `words > 0`.
#[unsafe(naked)]
unsafe extern "C" fn sign_words(columns: *const u32, inputs: *const u8, words: usize, sums: *mut i32, stride: usize) {
    naked_asm!(
        with_dsp!(),
        enter!(5),
        "2:",
        "ldr r10, [r0, r2]",
        "ldr r11, [r0, r2, lsl #1]",
        "ldr r12, [r0, r3]",
        // Only these six registers are left over: the distances are kept on the stack.
        "push {{r2, r3}}",
        "ldr r2, [r0], #4",
        "push {{r0, r9}}",
        "add r9, r8, #32",
        "movs r3, #0",
        "ror r2, r2, #16",
        "ror r10, r10, #16",
        "ror r11, r11, #16",
        "ror r12, r12, #16",
        "3:",
        "ldr r0, [r8], #4",
        "cbz r0, 4f",
        "msr APSR_g, r2",
        "sel r1, r0, r3",
        "usada8 r4, r1, r3, r4",
        "msr APSR_g, r10",
        "sel r1, r0, r3",
        "usada8 r5, r1, r3, r5",
        "msr APSR_g, r11",
        "sel r1, r0, r3",
        "usada8 r6, r1, r3, r6",
        "msr APSR_g, r12",
        "sel r1, r0, r3",
        "usada8 r7, r1, r3, r7",
        "4:",
        "ror r2, r2, #4",
        "ror r10, r10, #4",
        "ror r11, r11, #4",
        "ror r12, r12, #4",
        "cmp r8, r9",
        "bne 3b",
        "pop {{r0, r9}}",
        "pop {{r2, r3}}",
        "cmp r8, r9",
        "bne 2b",
        leave!(),
    )
}

/// Adds four words of the rows that are marked, `stride` bytes apart, to lanes of 16 bits.
///
/// # Safety
/// `on` can be read for `groups` words and `rows` for the first 16 bytes of each marked row; `groups > 0`.
#[unsafe(naked)]
unsafe extern "C" fn add_marked_rows(
    on: *const u32,
    rows: *const u32,
    stride: usize,
    lanes: &mut [u32; 2 * ROW_WORDS],
    groups: usize,
) {
    naked_asm!(
        with_dsp!(),
        "push {{r3-r11, lr}}",
        "ldr r3, [sp, #40]",
        "add r3, r0, r3, lsl #2",
        "sub sp, sp, #8",
        "str r3, [sp]",
        "ldr r3, [sp, #8]",
        "ldm r3, {{r4-r11}}",
        "2:",
        "ldr r12, [r0], #4",
        "str r1, [sp, #4]",
        "cmp r12, #0",
        "beq 4f",
        "3:",
        // To the next row that is marked, the first mark coming to bit 31.
        "clz lr, r12",
        "mla r1, lr, r2, r1",
        "lsl r12, r12, lr",
        "ldrd r3, lr, [r1]",
        "uxtab16 r4, r4, r3",
        "uxtab16 r5, r5, r3, ror #8",
        "uxtab16 r6, r6, lr",
        "uxtab16 r7, r7, lr, ror #8",
        "ldrd r3, lr, [r1, #8]",
        "uxtab16 r8, r8, r3",
        "uxtab16 r9, r9, r3, ror #8",
        "uxtab16 r10, r10, lr",
        "uxtab16 r11, r11, lr, ror #8",
        "bics r12, r12, #0x80000000",
        "bne 3b",
        "4:",
        "ldr r1, [sp, #4]",
        "add r1, r1, r2, lsl #5",
        "ldr r3, [sp]",
        "cmp r0, r3",
        "bne 2b",
        "add sp, sp, #8",
        "ldr r0, [sp], #4",
        "stm r0, {{r4-r11}}",
        "pop {{r4-r11, pc}}",
    )
}
