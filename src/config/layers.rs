//! Default file, given file, environment: merged as tables, checked whole, then typed.

use crate::config::BlobsKind;
use crate::config::Config;
use crate::config::Secrets;
use crate::config::VectorsKind;
use secrecy::ExposeSecret;
use secrecy::SecretString;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use toml::Table;
use toml::Value;

const DEFAULTS: &str = include_str!("../../config/default.toml");
const PREFIX: &str = "DOCENT__";

/// Everything that is wrong with the configuration, at once.
#[derive(Debug, thiserror::Error)]
#[error("the configuration has {} fault(s):\n{}", faults.len(), list(faults))]
pub struct ConfigError {
    /// One sentence each.
    pub faults: Vec<String>,
}

fn list(faults: &[String]) -> String {
    faults.iter().map(|fault| format!("  - {fault}")).collect::<Vec<_>>().join("\n")
}

impl Config {
    /// Reads the file, if one is given, and this process's environment.
    ///
    /// # Errors
    /// Every fault of every layer.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let text = match file {
            Some(path) => Some(std::fs::read_to_string(path).map_err(|error| ConfigError {
                faults: vec![format!("cannot read `{}`: {error}", path.display())],
            })?),
            None => None,
        };
        Self::from_layers(text.as_deref(), &std::env::vars().collect())
    }

    /// Merges the default file, the text of a file and an environment.
    ///
    /// # Errors
    /// Every fault of every layer.
    pub fn from_layers(
        file: Option<&str>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, ConfigError> {
        let mut faults = Vec::new();
        let mut merged: Table = toml::from_str(DEFAULTS).expect("config/default.toml is checked by a test");
        if let Some(text) = file {
            match toml::from_str::<Table>(text) {
                Ok(table) => lay_over(&mut merged, table, "the file", &mut faults),
                Err(error) => faults.push(format!("the file is not TOML: {}", error.to_string().trim())),
            }
        }
        for (name, value) in environment {
            if let Some(path) = name.strip_prefix(PREFIX) {
                set_from_environment(&mut merged, name, path, value, &mut faults);
            }
        }
        if !faults.is_empty() {
            return Err(ConfigError { faults });
        }
        let mut config = Self::deserialize(merged)
            .map_err(|error| ConfigError { faults: vec![error.to_string().trim().to_owned()] })?;
        config.secrets = secrets(environment);
        config.fill_in(environment);
        let faults = config.faults();
        if faults.is_empty() { Ok(config) } else { Err(ConfigError { faults }) }
    }

    /// The effective configuration as TOML, passwords masked; secrets are said to be set or not.
    pub fn show(&self) -> String {
        let mut shown = self.clone();
        shown.database.url = mask_password(&shown.database.url);
        let body = toml::to_string_pretty(&shown).expect("every section is a plain table");
        let set = |secret: bool| if secret { "***" } else { "(not set)" };
        format!(
            "{body}\n# secrets\n# DOCENT_BOOTSTRAP_KEY = {}\n# DOCENT_MASTER_KEY = {}\n# DOCENT_QDRANT_API_KEY = {}\n# \
             DOCENT_S3_ACCESS_KEY_ID = {}\n# DOCENT_S3_SECRET_ACCESS_KEY = {}\n# HF_TOKEN = {}\n",
            set(self.secrets.bootstrap_key.is_some()),
            set(self.secrets.master_key.is_some()),
            set(self.secrets.qdrant_api_key.is_some()),
            set(self.secrets.s3_access_key_id.is_some()),
            set(self.secrets.s3_secret_access_key.is_some()),
            set(self.secrets.hub_token.is_some()),
        )
    }

    fn fill_in(&mut self, environment: &BTreeMap<String, String>) {
        if self.data.dir.as_os_str().is_empty() {
            self.data.dir = default_data_dir(environment);
        }
        if self.models.dir.as_os_str().is_empty() {
            self.models.dir = self.data.dir.join("models");
        }
        if self.http.public_url.is_empty() {
            self.http.public_url = format!("http://{}", self.http.listen);
        }
        self.http.public_url = self.http.public_url.trim_end_matches('/').to_owned();
    }

    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |fine: bool, fault: &str| {
            if !fine {
                faults.push(fault.to_owned());
            }
        };
        self.check_sections(&mut check);
        self.check_neighbours(&mut check);
        if let Some(key) = &self.secrets.bootstrap_key {
            let key = key.expose_secret();
            check(
                key.starts_with("dk_") && key.len() >= 23 && key.is_ascii(),
                "`DOCENT_BOOTSTRAP_KEY` must be `dk_` and at least 20 characters",
            );
        }
        if let Some(key) = &self.secrets.master_key {
            let fine = hex::decode(key.expose_secret()).is_ok_and(|bytes| bytes.len() == 32);
            check(fine, "`DOCENT_MASTER_KEY` must be 64 hex digits");
        }
        faults
    }

    fn check_sections(&self, check: &mut impl FnMut(bool, &str)) {
        let server = self.vectors.kind == VectorsKind::Server;
        check(
            !server || !self.vectors.url.is_empty(),
            "`vectors.url` is needed with `vectors.kind = \"server\"`",
        );
        let embedded = cfg!(feature = "embedded-qdrant");
        check(server || embedded, "this build has no embedded Qdrant: set `vectors.kind = \"server\"`");
        let s3 = self.blobs.kind == BlobsKind::S3;
        check(!s3 || !self.blobs.bucket.is_empty(), "`blobs.bucket` is needed with `blobs.kind = \"s3\"`");
        let name = &self.vectors.name;
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        check(!name.is_empty() && plain, "`vectors.name` takes letters, digits, `_` and `-`");
        let device = &self.engine.device;
        let cuda = device.strip_prefix("cuda:").is_some_and(|ordinal| ordinal.parse::<usize>().is_ok());
        check(device == "cpu" || cuda, "`engine.device` is `cpu` or `cuda:N`");
        check(!cuda || cfg!(feature = "cuda"), "this build has no CUDA: build with `--features cuda`");
        check((64..=8192).contains(&self.ingest.chunk_tokens), "`ingest.chunk_tokens` is from 64 to 8192");
        check(self.ingest.embed_batch > 0, "`ingest.embed_batch` is at least 1");
        check(self.ingest.max_attempts > 0, "`ingest.max_attempts` is at least 1");
        check(self.ingest.lease_ms >= 5_000, "`ingest.lease_ms` is at least 5000");
        check((0.0..=1.0).contains(&self.ingest.min_coverage), "`ingest.min_coverage` is from 0 to 1");
        let answer = &self.answer;
        check((0.0..=2.0).contains(&answer.temperature), "`answer.temperature` is from 0 to 2");
        check(answer.top_p > 0.0 && answer.top_p <= 1.0, "`answer.top_p` is above 0 and at most 1");
        check(answer.passages > 0, "`answer.passages` is at least 1");
        check(answer.candidates >= answer.passages, "`answer.candidates` is at least `answer.passages`");
        check(answer.default_max_tokens > 0, "`answer.default_max_tokens` is at least 1");
        check(
            answer.default_max_tokens <= answer.limit_max_tokens,
            "`answer.default_max_tokens` is at most `answer.limit_max_tokens`",
        );
        check(
            answer.max_prompt_tokens + answer.limit_max_tokens as usize <= self.engine.max_context_tokens,
            "`answer.max_prompt_tokens` and `answer.limit_max_tokens` together are at most `engine.max_context_tokens`",
        );
        check(
            self.engine.kv_tokens >= self.engine.max_context_tokens,
            "`engine.kv_tokens` is at least `engine.max_context_tokens`",
        );
        check(
            self.engine.vault_memory_mb > 0 || self.engine.vault_disk_mb == 0,
            "`engine.vault_disk_mb` needs some `engine.vault_memory_mb`",
        );
        check(self.engine.max_running > 0, "`engine.max_running` is at least 1");
        check(self.engine.queue_depth > 0, "`engine.queue_depth` is at least 1");
        check(self.audit.queue_depth > 0, "`audit.queue_depth` is at least 1");
        let retention = &self.retention;
        for (months, name) in [
            (retention.interactions_months, "interactions_months"),
            (retention.administration_months, "administration_months"),
        ] {
            // EU AI Act, articles 19 and 26: logs are kept for six months at least; so says China's Cybersecurity Law.
            check((6..=1_200).contains(&months), &format!("`retention.{name}` is from 6 to 1200"));
        }
        check(retention.every_ms > 0, "`retention.every_ms` is at least 1");
        check(self.database.max_connections >= 4, "`database.max_connections` is at least 4");
    }

    /// Who sends us files, and who hears of them.
    fn check_neighbours(&self, check: &mut impl FnMut(bool, &str)) {
        let uploads = &self.uploads;
        check(uploads.max_open > 0, "`uploads.max_open` is at least 1");
        check((1..=8760).contains(&uploads.expiry_hours), "`uploads.expiry_hours` is from 1 to 8760");
        check(
            (1..=8760).contains(&uploads.idempotency_hours),
            "`uploads.idempotency_hours` is from 1 to 8760",
        );
        let webhooks = &self.webhooks;
        let place = |entry: &String| {
            let place = entry.strip_prefix("http://").unwrap_or(entry);
            !place.is_empty()
                && !place.contains(|c: char| c == '/' || c == '@' || c == '*' || c.is_whitespace())
        };
        let places = webhooks.allowed_hosts.iter().all(place);
        check(places, "`webhooks.allowed_hosts` takes `host`, `host:port`, or either after `http://`");
        check(webhooks.timeout_ms > 0, "`webhooks.timeout_ms` is at least 1");
        check(webhooks.max_attempts > 0, "`webhooks.max_attempts` is at least 1");
        check(webhooks.max_running > 0, "`webhooks.max_running` is at least 1");
    }
}

fn lay_over(base: &mut Table, over: Table, layer: &str, faults: &mut Vec<String>) {
    for (section, value) in over {
        let (Some(Value::Table(known)), Value::Table(given)) = (base.get_mut(&section), value) else {
            faults.push(format!("{layer} has an unknown section `{section}`"));
            continue;
        };
        for (key, value) in given {
            set(known, &section, &key, value, faults);
        }
    }
}

fn set_from_environment(base: &mut Table, name: &str, path: &str, value: &str, faults: &mut Vec<String>) {
    let path = path.to_ascii_lowercase();
    let Some((section, key)) = path.split_once("__") else {
        faults.push(format!("`{name}` is not DOCENT__SECTION__KEY"));
        return;
    };
    let Some(Value::Table(known)) = base.get_mut(section) else {
        faults.push(format!("`{name}` names an unknown section `{section}`"));
        return;
    };
    let value = match known.get(key) {
        Some(Value::Integer(_)) => value.parse().map(Value::Integer).map_err(|_| "a whole number"),
        Some(Value::Float(_)) => value.parse().map(Value::Float).map_err(|_| "a number"),
        Some(Value::Boolean(_)) => value.parse().map(Value::Boolean).map_err(|_| "`true` or `false`"),
        Some(Value::Array(_)) => {
            let entries = value.split(',').map(str::trim).filter(|entry| !entry.is_empty());
            Ok(Value::Array(entries.map(|entry| Value::String(entry.to_owned())).collect()))
        }
        _ => Ok(Value::String(value.to_owned())),
    };
    match value {
        Ok(value) => set(known, section, key, value, faults),
        Err(wanted) => faults.push(format!("`{name}` must be {wanted}")),
    }
}

fn set(known: &mut Table, section: &str, key: &str, value: Value, faults: &mut Vec<String>) {
    let Some(current) = known.get_mut(key) else {
        faults.push(format!("unknown key `{section}.{key}`"));
        return;
    };
    let value = match (&*current, value) {
        (Value::Float(_), Value::Integer(whole)) => Value::Float(whole as f64),
        (_, value) => value,
    };
    if current.type_str() == value.type_str() {
        *current = value;
    } else {
        faults.push(format!(
            "`{section}.{key}` must be a {}, not a {}",
            current.type_str(),
            value.type_str()
        ));
    }
}

fn secrets(environment: &BTreeMap<String, String>) -> Secrets {
    let secret = |name: &str| {
        environment.get(name).filter(|value| !value.is_empty()).map(|value| SecretString::from(value.clone()))
    };
    Secrets {
        bootstrap_key: secret("DOCENT_BOOTSTRAP_KEY"),
        master_key: secret("DOCENT_MASTER_KEY"),
        qdrant_api_key: secret("DOCENT_QDRANT_API_KEY"),
        s3_access_key_id: secret("DOCENT_S3_ACCESS_KEY_ID"),
        s3_secret_access_key: secret("DOCENT_S3_SECRET_ACCESS_KEY"),
        hub_token: secret("HF_TOKEN"),
        hub_endpoint: environment.get("HF_ENDPOINT").filter(|value| !value.is_empty()).cloned(),
    }
}

/// `./data`; but a Postgres that runs as another user cannot enter root's home (DESIGN §8).
fn default_data_dir(environment: &BTreeMap<String, String>) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    let home = environment.get("HOME").map_or_else(|| PathBuf::from("/root"), PathBuf::from);
    let below_home = here.starts_with("/root") || here.starts_with("/home") || here.starts_with(home);
    if rustix::process::geteuid().is_root() && below_home {
        PathBuf::from("/var/lib/docent")
    } else {
        here.join("data")
    }
}

fn mask_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let Some((credentials, host)) = rest.rsplit_once('@') else { return url.to_owned() };
    let user = credentials.split(':').next().unwrap_or_default();
    format!("{scheme}://{user}:***@{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Config::from_layers(Some(file), &environment)
    }

    #[test]
    fn the_defaults_alone_are_a_valid_configuration() {
        let config = load("", &[]).unwrap();

        assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.http.public_url, "http://127.0.0.1:8080");
    }

    #[test]
    fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
        let config =
            load("[answer]\npassages = 4\ncandidates = 40", &[("DOCENT__ANSWER__PASSAGES", "5")]).unwrap();

        assert_eq!((config.answer.passages, config.answer.candidates), (5, 40));
    }

    #[test]
    fn every_fault_is_listed_at_once() {
        let error =
            load("[answer]\npasages = 4\n[nowhere]\nx = 1", &[("DOCENT__HTTP__MAX_BODY_BYTES", "many")]);

        let faults = error.unwrap_err().faults;

        assert_eq!(
            faults,
            [
                "unknown key `answer.pasages`",
                "the file has an unknown section `nowhere`",
                "`DOCENT__HTTP__MAX_BODY_BYTES` must be a whole number",
            ]
        );
    }

    #[test]
    fn values_out_of_range_are_listed_at_once() {
        let error =
            load("[answer]\ntemperature = 3\n[ingest]\nembed_batch = 0", &[("DOCENT_MASTER_KEY", "abc")]);

        assert_eq!(error.unwrap_err().faults.len(), 3);
    }

    #[test]
    fn what_is_shown_has_no_secret() {
        let config = load(
            "[database]\nurl = \"postgres://docent:hunter2@db/docent\"",
            &[("DOCENT_QDRANT_API_KEY", "hunter3")],
        )
        .unwrap();

        let shown = config.show();

        assert!(!shown.contains("hunter"), "{shown}");
        assert!(shown.contains("postgres://docent:***@db/docent"), "{shown}");
        assert!(!format!("{config:?}").contains("hunter3"));
    }
}
