//! The entry points of `cuda/*.cu`, whose comments say what they do. Each gives 0 or a code that `docent_message` explains.

use std::ffi::c_char;
use std::ffi::c_int;
use std::ffi::c_void;

/// Numbers that a plan has room for.
pub(super) const PLAN_NUMBERS: usize = 16;

#[expect(clippy::struct_field_names, reason = "the names that the kernels have")]
/// `Heads` of `attention.cu`.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Heads {
    pub heads: c_int,
    pub kv_heads: c_int,
    pub head: c_int,
    pub block_tokens: c_int,
}

/// `Workspace` of `attention.cu`.
#[repr(C)]
pub(super) struct Workspace {
    pub floats: *mut c_void,
    pub float_bytes: usize,
    pub indices: *mut c_void,
    pub indices_on_host: *mut c_void,
    pub index_bytes: usize,
}

/// `Sequences` of `attention.cu`, on the device.
#[repr(C)]
pub(super) struct Sequences {
    pub query_starts: *const i32,
    pub block_starts: *const i32,
    pub blocks: *const i32,
    pub last_tokens: *const i32,
    pub count: c_int,
}

/// `Place` of `elementwise.cu`, on the device.
#[repr(C)]
pub(super) struct Place {
    pub qkv: *const c_void,
    pub bias: *const c_void,
    pub query_norm: *const c_void,
    pub key_norm: *const c_void,
    pub angles: *const f32,
    pub angle_rows: *const i32,
    pub slots: *const i32,
    pub queries: *mut c_void,
    pub keys: *mut c_void,
    pub values: *mut c_void,
    pub heads: c_int,
    pub kv_heads: c_int,
    pub epsilon: f32,
    pub interleaved: bool,
}

/// `Likeliest` of `sampling.cu`, on the device.
#[repr(C)]
pub(super) struct Likeliest {
    pub logits: *const f32,
    pub columns: c_int,
    pub below: c_int,
    pub count: c_int,
    pub ids: *mut i32,
    pub values: *mut f32,
    pub broken: *mut i32,
}

/// A stream of the driver, which the runtime takes as its own.
pub(super) type Stream = *mut c_void;

unsafe extern "C" {
    pub(super) fn docent_message(code: c_int) -> *const c_char;

    pub(super) fn docent_take_rows(
        table: *const c_void,
        rows: *const i32,
        out: *mut c_void,
        count: c_int,
        columns: c_int,
        stream: Stream,
    ) -> c_int;
    pub(super) fn docent_norm(
        x: *const c_void,
        weight: *const c_void,
        out: *mut c_void,
        tokens: c_int,
        columns: c_int,
        epsilon: f32,
        stream: Stream,
    ) -> c_int;
    pub(super) fn docent_add_norm(
        x: *mut c_void,
        sum: *mut c_void,
        weight: *const c_void,
        tokens: c_int,
        columns: c_int,
        epsilon: f32,
        stream: Stream,
    ) -> c_int;
    pub(super) fn docent_gate(
        gate_up: *const c_void,
        out: *mut c_void,
        tokens: c_int,
        inner: c_int,
        stream: Stream,
    ) -> c_int;
    pub(super) fn docent_place(place: *const Place, tokens: c_int, head: c_int, stream: Stream) -> c_int;

    pub(super) fn docent_likeliest(likeliest: *const Likeliest, rows: c_int, stream: Stream) -> c_int;

    pub(super) fn docent_plan_prompts(
        heads: *const Heads,
        workspace: *const Workspace,
        query_starts: *const i32,
        block_starts: *const i32,
        count: c_int,
        fixed: c_int,
        plan: *mut i64,
        stream: Stream,
    ) -> c_int;
    pub(super) fn docent_attend_prompts(
        heads: *const Heads,
        workspace: *const Workspace,
        sequences: *const Sequences,
        plan: *const i64,
        queries: *const c_void,
        keys: *const c_void,
        values: *const c_void,
        out: *mut c_void,
        stream: Stream,
    ) -> c_int;
    pub(super) fn docent_plan_answers(
        heads: *const Heads,
        workspace: *const Workspace,
        block_starts: *const i32,
        count: c_int,
        fixed: c_int,
        plan: *mut i64,
        stream: Stream,
    ) -> c_int;
    pub(super) fn docent_attend_answers(
        heads: *const Heads,
        workspace: *const Workspace,
        sequences: *const Sequences,
        plan: *const i64,
        queries: *const c_void,
        keys: *const c_void,
        values: *const c_void,
        out: *mut c_void,
        stream: Stream,
    ) -> c_int;
}
