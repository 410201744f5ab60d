//! An archive taken apart within its bounds.
#![no_main]

use reader::UnpackOptions;
use std::ops::ControlFlow;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let options = UnpackOptions {
        max_members: 20,
        max_member_bytes: 1 << 20,
        max_total_bytes: 4 << 20,
        max_ratio: 100,
    };
    let (mut members, mut total) = (0, 0);
    let _refused = reader::unpack(bytes, &options, &mut |member| {
        members += 1;
        total += member.content.map_or(0, |content| content.len());
        ControlFlow::Continue(())
    });
    assert!(members <= 20 && total <= 4 << 20, "bounds hold");
});
