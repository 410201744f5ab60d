//! What is asked of an answer besides its length.

use super::*;

#[test]
fn logprobs_are_those_of_the_model_whatever_was_chosen() {
    let handle = start(2);
    let mut hot = request(&[9, 8, 7], 30);
    hot.sampling.temperature = 3.0;
    hot.logprobs = Some(5);

    let finish = run(&handle, hot).1;
    let greedy = run(&handle, Request { logprobs: Some(1), ..request(&[9, 8, 7], 30) }).1;
    let silent = run(&handle, request(&[9, 8, 7], 30)).1;

    assert_eq!(finish.logprobs.len(), 30);
    for (token, place) in finish.tokens.iter().zip(&finish.logprobs) {
        assert_eq!(place.top.len(), 5);
        assert!(
            place.top.is_sorted_by(|a, b| a.1 >= b.1) && place.top.iter().all(|(_, logprob)| *logprob <= 0.0)
        );
        let listed = place.top.iter().find(|(id, _)| id == token);
        assert!(listed.map_or(place.logprob <= place.top[4].1, |(_, logprob)| logprob.to_bits()
            == place.logprob.to_bits()));
    }
    assert!(greedy.logprobs.iter().zip(&greedy.tokens).all(|(place, token)| place.top[0].0 == *token));
    assert_eq!((silent.tokens, silent.logprobs), (greedy.tokens, Vec::new()));
}

#[test]
fn an_answer_has_the_form_that_was_asked_for() {
    let handle = start(2);
    let mut yes_or_no = request(&[1, 2, 3], 60);
    yes_or_no.sampling.temperature = 2.0;
    yes_or_no.grammar = Some(Grammar::JsonSchema(serde_json::json!({"enum": ["yes", "no", "费"]})));
    let refused = Request { grammar: Some(Grammar::Regex("(".into())), ..request(&[1], 5) };

    let (text, finish) = run(&handle, yes_or_no);

    assert!(["\"yes\"", "\"no\"", "\"费\""].contains(&text.trim()), "{text}");
    assert_eq!(finish.reason, FinishReason::Stop);
    assert!(matches!(handle.submit(refused).err(), Some(EngineError::BadRequest(_))));
}

#[test]
fn thinking_is_told_apart_and_ends_with_its_budget() {
    let handle = start(2);
    let think = handle.tokenizer().special("<think>").unwrap();
    let thinking = Request {
        max_thinking_tokens: Some(20),
        grammar: Some(Grammar::Regex("[xyz]{8}".into())),
        ..request(&[1, 2, think], 400)
    };
    let (mut thoughts, mut text) = (String::new(), String::new());
    let mut generation = handle.submit(thinking).unwrap();

    let finish = loop {
        match generation.blocking_next() {
            Some(Event::Thought { text, .. }) => thoughts += &text,
            Some(Event::Text { text: piece, .. }) => text += &piece,
            Some(Event::Finished(finish)) => break finish,
            Some(Event::Queued { .. } | Event::Started { .. }) => {}
            other => panic!("{other:?}"),
        }
    };

    assert!(thoughts.ends_with("directly now.\n"), "{thoughts}");
    assert!(text.len() == 8 && text.chars().all(|c| "xyz".contains(c)), "{text}");
    assert_eq!(finish.reason, FinishReason::Stop);
    assert!(finish.thinking_tokens > 20 && finish.completion_tokens > finish.thinking_tokens + 8);
}
