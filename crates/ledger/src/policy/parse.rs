//! The lines of a policy file. Narrower than C2SP `tlog-policy` in one thing: the file is UTF-8. Knows no checkpoint.

use crate::note::Purpose;
use crate::note::VerifierKey;
use crate::policy::Group;
use crate::policy::Member;
use crate::policy::Policy;
use crate::policy::PolicyError;
use crate::policy::Witness;
use std::collections::HashMap;

/// Logs, witnesses and groups, each at most this many: C2SP asks for 32.
const MAX_EACH: usize = 1_024;

/// Groups nest at most this deep.
const MAX_DEPTH: usize = 64;

struct Parser {
    policy: Policy,
    /// Names of witnesses and groups, with how deep what they name nests.
    names: HashMap<String, (Member, usize)>,
    /// Names that are members of a group already.
    taken: Vec<Member>,
    quorum: bool,
}

pub(super) fn parse(text: &str) -> Result<Policy, PolicyError> {
    let policy = Policy { logs: Vec::new(), witnesses: Vec::new(), groups: Vec::new(), quorum: None };
    let mut parser = Parser { policy, names: HashMap::new(), taken: Vec::new(), quorum: false };
    for (at, line) in text.split('\n').enumerate() {
        let wrong = |what| PolicyError::Line { line: at + 1, what };
        if line.chars().any(|character| character != '\t' && character.is_ascii_control()) {
            return Err(wrong("control characters are not allowed"));
        }
        let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
        let key =
            |text: &str| VerifierKey::parse(text).map_err(|error| PolicyError::Key { line: at + 1, error });
        match words.as_slice() {
            [] => {}
            [first, ..] if first.starts_with('#') => {}
            ["log", text] | ["log", text, _] => parser.log(key(text)?).map_err(wrong)?,
            ["witness", name, text] | ["witness", name, text, _] => {
                parser.witness(name, key(text)?).map_err(wrong)?;
            }
            ["group", name, threshold, members @ ..] => {
                parser.group(name, threshold, members).map_err(wrong)?;
            }
            ["quorum", name] => parser.quorum(name).map_err(wrong)?,
            [..] => return Err(wrong("it is none of `log`, `witness`, `group`, `quorum`")),
        }
    }
    match (parser.quorum, parser.policy.logs.is_empty()) {
        (false, _) => Err(PolicyError::NoQuorum),
        (true, true) => Err(PolicyError::NoLog),
        (true, false) => Ok(parser.policy),
    }
}

impl Parser {
    fn log(&mut self, key: VerifierKey) -> Result<(), &'static str> {
        if key.purpose() != Purpose::Log {
            return Err("the key is a witness's, not a log's");
        }
        if self.policy.logs.iter().any(|log| log.bytes() == key.bytes()) {
            return Err("the log's key stands there twice");
        }
        within(self.policy.logs.len())?;
        self.policy.logs.push(key);
        Ok(())
    }

    fn witness(&mut self, name: &str, key: VerifierKey) -> Result<(), &'static str> {
        if key.purpose() != Purpose::Witness {
            return Err("the key is a log's, not a witness's");
        }
        if self.policy.witnesses.iter().any(|witness| witness.key.bytes() == key.bytes()) {
            return Err("the witness's key stands there twice");
        }
        let at = self.policy.witnesses.len();
        within(at)?;
        self.define(name, Member::Witness(at), 0)?;
        self.policy.witnesses.push(Witness { name: name.to_owned(), key });
        Ok(())
    }

    fn group(&mut self, name: &str, threshold: &str, members: &[&str]) -> Result<(), &'static str> {
        let (mut found, mut depth) = (Vec::new(), 0);
        for member in members {
            let &(member, inner) = self.names.get(*member).ok_or("it names what no line before defines")?;
            if self.taken.contains(&member) {
                return Err("a member stands in a group twice");
            }
            self.taken.push(member);
            found.push(member);
            depth = depth.max(inner + 1);
        }
        let threshold = match threshold {
            "any" => 1,
            "all" => found.len(),
            number => number.parse().map_err(|_| "the threshold is none of `all`, `any` and a number")?,
        };
        if threshold == 0 || threshold > found.len() {
            return Err("a group needs from one to all of its members");
        }
        if depth > MAX_DEPTH {
            return Err("groups nest too deeply");
        }
        let at = self.policy.groups.len();
        within(at)?;
        self.define(name, Member::Group(at), depth)?;
        self.policy.groups.push(Group { threshold, members: found });
        Ok(())
    }

    fn quorum(&mut self, name: &str) -> Result<(), &'static str> {
        if self.quorum {
            return Err("there is a quorum already");
        }
        self.quorum = true;
        if name != "none" {
            let &(member, _) = self.names.get(name).ok_or("it names what no line before defines")?;
            self.policy.quorum = Some(member);
        }
        Ok(())
    }

    fn define(&mut self, name: &str, member: Member, depth: usize) -> Result<(), &'static str> {
        if name == "none" || self.names.contains_key(name) {
            return Err("the name is taken");
        }
        self.names.insert(name.to_owned(), (member, depth));
        Ok(())
    }
}

fn within(count: usize) -> Result<(), &'static str> {
    if count < MAX_EACH { Ok(()) } else { Err("there are too many of these") }
}
