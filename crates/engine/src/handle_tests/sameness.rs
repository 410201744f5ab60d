//! The same request has the same answer.

use super::*;

/// Prompts of many lengths, some of which begin alike, with sampling of their own.
fn crowd() -> Vec<Request> {
    let prompt = |length: u32, kind: u32| -> Vec<u32> {
        (0..length).map(|i| if i < 128 { i * 7 % 256 } else { (i * 31 + kind) % 256 }).collect()
    };
    (0..24)
        .map(|kind| {
            let mut request = request(&prompt(1 + kind * 37 % 400, kind), 20 + kind % 30);
            request.sampling.temperature = if kind % 3 == 0 { 0.0 } else { 0.8 };
            request.sampling.seed = u64::from(kind);
            request.priority = if kind % 4 == 0 { Priority::Bulk } else { Priority::Interactive };
            request.user = u64::from(kind % 5);
            request.logprobs = Some(kind % 3);
            request.grammar = (kind % 6 == 1).then(|| Grammar::Regex("[a-f ]{30,80}".into()));
            request
        })
        .collect()
}

/// An answer's tokens, and the bits of all that is said of their chances.
fn bits(finish: Finish) -> (Vec<u32>, Vec<u32>) {
    assert_eq!(finish.logprobs.len(), finish.tokens.len());
    let of = |(id, logprob): &(u32, f32)| [*id, logprob.to_bits()];
    let each = finish.logprobs.iter();
    let bits = each
        .flat_map(|place| [vec![place.logprob.to_bits()], place.top.iter().flat_map(of).collect()].concat());
    (finish.tokens, bits.collect())
}

#[test]
fn a_hundred_times_in_any_company_a_request_has_the_same_answer() {
    let alone: Vec<(Vec<u32>, Vec<u32>)> = {
        let handle = start(2);
        crowd().into_iter().map(|request| bits(run(&handle, request).1)).collect()
    };
    let mut seen = 0;
    // room for all, few at a time, and little memory
    for (max_sequences, kv_tokens) in [(8, 100_000), (3, 100_000), (24, 1280)] {
        let handle = start_for(max_sequences, 64, kv_tokens);
        for round in 0..2 {
            let mut requests: Vec<(usize, Request)> = crowd().into_iter().enumerate().collect();
            requests.rotate_left(round * 7);
            let running: Vec<_> = requests
                .into_iter()
                .map(|(index, request)| (index, handle.submit(request).unwrap()))
                .collect();
            for (index, generation) in running {
                let answer = bits(collect(generation).1);
                assert_eq!(answer, alone[index], "request {index} of round {round} beside {max_sequences}");
                seen += 1;
            }
        }
        let load = handle.load();
        assert!(load.cached_tokens > 0 && load.prompt_tokens > load.cached_tokens, "{load:?}");
    }
    assert!(seen >= 100);
}

#[test]
fn whoever_had_to_make_room_goes_on_with_the_same_words() {
    let asked = |number: u32| {
        let mut request = request(&[number, 2, 3], 220);
        request.sampling.temperature = 0.8;
        request.sampling.seed = u64::from(number);
        request.priority = if number.is_multiple_of(2) { Priority::Bulk } else { Priority::Interactive };
        request
    };
    let alone: Vec<Vec<u32>> = {
        let handle = start(2);
        (0..6).map(|number| run(&handle, asked(number)).1.tokens).collect()
    };

    let handle = start_for(6, 16, 384);
    let running: Vec<Generation> = (0..6).map(|number| handle.submit(asked(number)).unwrap()).collect();
    let together: Vec<Vec<u32>> =
        running.into_iter().map(|generation| collect(generation).1.tokens).collect();

    assert_eq!(together, alone);
    assert!(handle.load().swaps > 0, "{:?}", handle.load());
}
