//! What is kept of earlier prompts, where, and until when.

use super::*;

#[test]
fn a_prefix_is_reused_for_the_same_salt_only() {
    let handle = start(2);
    let prompt: Vec<u32> = (0..600).map(|i| i * 31 % 256).collect();

    let cold = run(&handle, request(&prompt, 10)).1;
    let warm = run(&handle, request(&prompt, 10)).1;
    let other = run(&handle, Request { cache_salt: [1; 16], ..request(&prompt, 10) }).1;

    assert_eq!((cold.cached_tokens, warm.cached_tokens, other.cached_tokens), (0, 576, 0));
    assert_eq!(cold.tokens, warm.tokens);
    assert_eq!(cold.tokens, other.tokens);
}

/// Ten blocks of cache, and a vault of so many bytes; a block has 32 KiB.
fn start_with_vault(memory_bytes: usize, files: &Path) -> Handle {
    let directory = tiny::model("qwen3");
    let vault = VaultOptions { memory_bytes, directory: Some(files.join("kv")), disk_bytes: 10 << 20 };
    let (max_context_tokens, kv_tokens) = (640, 640);
    let options =
        DecoderOptions { max_context_tokens, kv_tokens, vault: Some(vault), ..options(directory.path()) };
    Handle::start(options).unwrap()
}

/// Asks short things until the cache holds nothing of what was asked before.
fn crowd_out(handle: &Handle, salt: u8) {
    for number in 0..12 {
        let prompt: Vec<u32> = (0..70).map(|i| (i + number) % 256).collect();
        run(handle, Request { cache_salt: [salt; 16], ..request(&prompt, 1) });
    }
}

#[test]
fn what_left_the_cache_comes_back_from_memory() {
    let files = tempfile::tempdir().unwrap();
    let handle = start_with_vault(10 << 20, files.path());
    let prompt: Vec<u32> = (0..600).map(|i| i * 31 % 256).collect();
    let cold = run(&handle, request(&prompt, 10)).1;
    crowd_out(&handle, 7);

    let warm = run(&handle, request(&prompt, 10)).1;
    let foreign = run(&handle, Request { cache_salt: [1; 16], ..request(&prompt, 10) }).1;
    handle.forget();
    let after = run(&handle, request(&prompt, 10)).1;

    assert_eq!((cold.cached_tokens, warm.cached_tokens), (0, 576));
    assert_eq!((foreign.cached_tokens, after.cached_tokens), (0, 0));
    assert_eq!((&warm.tokens, &foreign.tokens, &after.tokens), (&cold.tokens, &cold.tokens, &cold.tokens));
    assert_eq!(handle.load().recalled_tokens, 576);
}

#[test]
fn what_left_the_memory_comes_back_from_disk_while_its_prompt_waits() {
    let files = tempfile::tempdir().unwrap();
    let handle = start_with_vault(320 << 10, files.path());
    let prompt: Vec<u32> = (0..600).map(|i| i * 31 % 256).collect();
    let cold = run(&handle, request(&prompt, 10)).1;
    let deadline = Instant::now() + Duration::from_mins(1);

    // which blocks are where depends on how fast files are written, so that it may take some rounds
    for salt in (1..u8::MAX).cycle() {
        assert!(Instant::now() < deadline, "{:?}", handle.load());
        crowd_out(&handle, salt);
        if handle.load().kept_on_disk < 12 {
            continue;
        }
        let before = handle.submit(request(&[1, 2, 3], 500)).unwrap();
        let waiting = handle.submit(request(&prompt, 10)).unwrap();
        collect(before);
        let warm = collect(waiting).1;
        assert_eq!(warm.tokens, cold.tokens);
        if warm.cached_tokens == 576 {
            break;
        }
    }

    handle.forget();
    assert_eq!(run(&handle, request(&prompt, 10)).1.cached_tokens, 0);
    while std::fs::read_dir(files.path().join("kv")).unwrap().count() > 5 {
        assert!(Instant::now() < deadline, "files are deleted when all is forgotten");
    }
}

#[test]
fn what_is_to_be_forgotten_serves_no_later_prompt() {
    let handle = start(2);
    let prompt: Vec<u32> = (0..600).map(|i| i * 31 % 256).collect();
    let cold = run(&handle, request(&prompt, 10)).1;

    handle.forget();
    let after = run(&handle, request(&prompt, 10)).1;
    let warm = run(&handle, request(&prompt, 10)).1;

    assert_eq!((after.cached_tokens, warm.cached_tokens), (0, 576));
    assert_eq!(cold.tokens, after.tokens);
}

#[test]
fn what_waits_while_all_is_forgotten_serves_no_later_prompt() {
    let handle = start(4);
    let prompt: Vec<u32> = (0..600).map(|i| i * 31 % 256).collect();
    let mut first = handle.submit(request(&[1, 2, 3], LONG)).unwrap();
    while !matches!(first.blocking_next(), Some(Event::Text { .. })) {}
    let waiting = handle.submit(request(&prompt, 10)).unwrap();

    handle.forget();
    drop(first);
    let waited = collect(waiting).1;
    let after = run(&handle, request(&prompt, 10)).1;

    assert_eq!((waited.cached_tokens, after.cached_tokens), (0, 0));
    assert_eq!(waited.tokens, after.tokens);
}
