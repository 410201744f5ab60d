use super::*;
use proptest::prelude::*;

/// The example of C2SP `signed-note` (v1.0.0, "Example").
const C2SP_KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const C2SP_NOTE: &str = "This is an example message.\n\n\
    — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

/// The text above that example, with an empty line within and a key that nobody knows.
const C2SP_POEM: &str = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n\
    — quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";

fn holds(note: &str, key: &VerifierKey) -> bool {
    let Ok(note) = Note::parse(note) else { return false };
    note.signatures()
        .iter()
        .any(|signature| key.made(signature) && key.check(note.text(), signature).is_some())
}

fn signer(purpose: Purpose) -> SignerKey {
    SignerKey::from_seed("docent.example/audit", purpose, &[7; 32]).unwrap()
}

#[test]
fn the_example_of_c2sp_holds() {
    let key = VerifierKey::parse(C2SP_KEY).unwrap();

    assert_eq!((key.name(), key.purpose()), ("example.com/foo", Purpose::Log));
    assert!(holds(C2SP_NOTE, &key));
    assert_eq!(key.to_string(), C2SP_KEY);
    assert_eq!(Note::parse(C2SP_NOTE).unwrap().to_string(), C2SP_NOTE);
}

#[test]
fn empty_lines_within_a_text_belong_to_it_and_unknown_keys_are_ignored() {
    let note = Note::parse(C2SP_POEM).unwrap();

    assert!(note.text().ends_with("sole:\n\ned è subito sera.\n"));
    assert_eq!(note.signatures()[0].name(), "quasimodo.example/salvatore");
    assert!(!holds(C2SP_POEM, &VerifierKey::parse(C2SP_KEY).unwrap()));
    assert_eq!(note.to_string(), C2SP_POEM);
}

#[test]
fn any_flipped_bit_of_a_note_fails() {
    let key = VerifierKey::parse(C2SP_KEY).unwrap();

    for at in 0..C2SP_NOTE.len() * 8 {
        let mut changed = C2SP_NOTE.as_bytes().to_vec();
        changed[at / 8] ^= 1 << (at % 8);
        let holds = String::from_utf8(changed).is_ok_and(|changed| holds(&changed, &key));
        assert!(!holds, "bit {at}");
    }
}

#[test]
fn any_flipped_bit_of_a_key_is_seen() {
    for at in 0..C2SP_KEY.len() * 8 {
        let mut changed = C2SP_KEY.as_bytes().to_vec();
        changed[at / 8] ^= 1 << (at % 8);
        let read = String::from_utf8(changed).is_ok_and(|changed| VerifierKey::parse(&changed).is_ok());
        assert!(!read, "bit {at}");
    }
}

#[test]
fn what_is_not_a_note_is_refused() {
    let long = format!("a\n\n{}", "— a AAAAAAA=\n".repeat(101));
    for (note, error) in [
        ("", NoteError::Shape),
        ("a\n", NoteError::Shape),
        ("a\n\n", NoteError::Shape),
        ("a\n\n— a AAAAAAA=", NoteError::Shape),
        ("a\r\n\n— a AAAAAAA=\n", NoteError::Shape),
        ("a\n\n- a AAAAAAA=\n", NoteError::Signature { line: 1 }),
        ("a\n\n— a AAAAAAA=\n— a+b AAAAAAA=\n", NoteError::Signature { line: 2 }),
        ("a\n\n— a AAAA\n", NoteError::Signature { line: 1 }),
        ("a\n\n— a AAAAAAB=\n", NoteError::Signature { line: 1 }),
        (long.as_str(), NoteError::TooLong),
    ] {
        assert_eq!(Note::parse(note), Err(error), "{note}");
    }
    assert_eq!(Note::new("a".into()), Err(NoteError::Shape));
}

#[test]
fn what_is_not_a_key_is_refused() {
    for (key, error) in [
        ("", KeyError::Shape),
        ("a", KeyError::Shape),
        ("a+530d903a+!", KeyError::Shape),
        ("example.com/bar+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", KeyError::Id),
        ("example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", KeyError::Id),
        ("a+530d903a+Av8=", KeyError::Kind { kind: 2 }),
        ("a+530d903a+Af8=", KeyError::Bytes),
    ] {
        assert_eq!(VerifierKey::parse(key), Err(error), "{key}");
    }
    assert!(SignerKey::from_seed("a b", Purpose::Log, &[7; 32]).is_err());
}

#[test]
fn a_secret_key_reads_back_and_does_not_print() {
    let key = signer(Purpose::Log);

    let again = SignerKey::parse(&key.to_secret_text()).unwrap();

    assert_eq!(again.verifier(), key.verifier());
    assert_eq!(format!("{key:?}"), "SignerKey(docent.example/audit, …)");
    assert!(SignerKey::parse(&key.to_secret_text().replace("docent", "decent")).is_err());
    assert_ne!(
        SignerKey::generate("a", Purpose::Log).unwrap().verifier(),
        SignerKey::generate("a", Purpose::Log).unwrap().verifier()
    );
}

// The expected values are from Python's `cryptography`.
#[test]
fn keys_and_signatures_are_those_of_another_implementation() {
    let note = Note::new("text\n".into()).unwrap();
    let (log, witness) = (signer(Purpose::Log), signer(Purpose::Witness));

    assert_eq!(
        log.verifier().to_string(),
        "docent.example/audit+56491ea0+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs"
    );
    assert_eq!(
        witness.verifier().to_string(),
        "docent.example/audit+866e6e79+BOpKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs"
    );
    assert_eq!(
        log.sign(&note, 0).to_string(),
        "— docent.example/audit VkkeoL3fZksugabGmqNkufv+7zSlPzxIRIgxDaTwURF4Qg7w9Chg2Hrh/VYyWKY3GlMc6efsC5/cxJAps1Hp/ibp0AY="
    );
    assert_eq!(
        witness.sign(&note, 1_679_315_147).to_string(),
        "— docent.example/audit hm5ueQAAAABkGFDLZuWr9Wu9TEgKClk55o67Tjrk90po8F3HXGwzQR4yssUM4/p+sKdh88YSnxSYxofgEkJPWtVMVaXv8b8UeG1BBw=="
    );
}

#[test]
fn a_witness_signs_the_text_and_its_time() {
    let (log, witness) = (signer(Purpose::Log), signer(Purpose::Witness));
    let note = Note::new("text\n".into()).unwrap();
    let signature = witness.sign(&note, 1_679_315_147);
    let key = VerifierKey::parse(&witness.verifier().to_string()).unwrap();

    assert_eq!(key.check("text\n", &signature), Some(1_679_315_147));
    assert_eq!(key.check("test\n", &signature), None);
    let mut later = signature.clone();
    later.bytes[7] += 1;
    assert_eq!(key.check("text\n", &later), None);
    assert!(!log.verifier().made(&signature), "one key for two purposes has two ids");
    assert_eq!(log.verifier().bytes(), key.bytes());
}

proptest! {
    #[test]
    fn whatever_reads_as_a_note_writes_as_the_same_bytes(text in "[a-z\n]{0,12}", lines in prop::collection::vec("— [a-z]{1,3} [A-Za-z0-9+/]{8}", 0..4), end in "\n?") {
        let note = format!("{text}\n\n{}{end}", lines.join("\n"));

        if let Ok(read) = Note::parse(&note) {
            prop_assert_eq!(read.to_string(), note);
        }
    }
}
