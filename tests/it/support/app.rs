//! A service of the test's own: its own database, vectors, blobs and port; the models are shared, for they are large.

use crate::support::postgres::TestPostgres;
use docent::app;
use docent::app::Models;
use docent::app::Plan;
use docent::app::Running;
use docent::config::Config;
use reqwest::Method;
use reqwest::RequestBuilder;
use reqwest::StatusCode;
use reqwest::multipart::Form;
use reqwest::multipart::Part;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// Long, for the machines that test are slow and shared.
pub(crate) const PATIENCE: Duration = Duration::from_mins(3);

/// The small model only has to load, stream and stop; the starter is asked where its words count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    Small,
    Starter,
}

pub(crate) struct TestApp {
    pub(crate) url: String,
    pub(crate) key: String,
    pub(crate) client: reqwest::Client,
    pub(crate) database: TestPostgres,
    running: Option<Running>,
    directory: TempDir,
    config: Config,
    size: Size,
}

impl TestApp {
    /// With the small model and the defaults.
    pub(crate) async fn start() -> Self {
        Self::with(Size::Small, |_| {}).await
    }

    /// With changes of the configuration.
    pub(crate) async fn with(size: Size, change: impl FnOnce(&mut Config)) -> Self {
        let database = TestPostgres::fresh().await;
        let directory = tempfile::tempdir().unwrap();
        let mut config = config(size);
        config.http.listen = "127.0.0.1:0".parse().unwrap();
        config.data.dir = directory.path().join("data");
        config.database.url = database.url().to_owned();
        config.database.max_connections = 6;
        config.secrets.master_key = Some("07".repeat(32).into());
        config.answer.default_max_tokens = 64;
        change(&mut config);
        let running = run(size, &config).await;
        let key = secrecy::ExposeSecret::expose_secret(&running.first_admin.as_ref().unwrap().key).to_owned();
        let url = format!("http://{}", running.address.unwrap());
        Self { url, key, client: client(), database, running: Some(running), directory, config, size }
    }

    /// Stops in order and starts again over the same data.
    pub(crate) async fn restarted(self) -> Self {
        self.restarted_after(|| {}).await
    }

    /// The same, with something done in between.
    pub(crate) async fn restarted_after(mut self, between: impl FnOnce()) -> Self {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
        between();
        let running = run(self.size, &self.config).await;
        self.url = format!("http://{}", running.address.unwrap());
        self.running = Some(running);
        self
    }

    /// Where the service keeps what is not in the database.
    pub(crate) fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// How many uploaded files the service keeps.
    pub(crate) fn stored_files(&self) -> usize {
        let (mut folders, mut files) = (vec![self.directory.path().join("data/blobs")], 0);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files += 1 }
            }
        }
        files
    }

    /// A request as the first administrator.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url)).bearer_auth(&self.key)
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        body(self.request(Method::GET, path)).await
    }

    /// A page as text.
    pub(crate) async fn page(&self, path: &str) -> String {
        let response = self.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.text().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, json: &Value) -> (StatusCode, Value) {
        body(self.request(Method::POST, path).json(json)).await
    }

    /// Makes a collection and gives its id.
    pub(crate) async fn collection(&self, name: &str) -> String {
        let (status, made) = self.post("/api/v1/collections", &json!({ "name": name })).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        made["id"].as_str().unwrap().to_owned()
    }

    /// Uploads one file and gives status and body.
    pub(crate) async fn upload(&self, collection: &str, name: &str, bytes: &[u8]) -> (StatusCode, Value) {
        let form = Form::new().part("file", Part::bytes(bytes.to_vec()).file_name(name.to_owned()));
        body(
            self.request(Method::POST, &format!("/api/v1/collections/{collection}/documents"))
                .multipart(form),
        )
        .await
    }

    /// Uploads one file, waits until it is searchable or failed, and gives the document.
    pub(crate) async fn document(&self, collection: &str, name: &str, bytes: &[u8]) -> Value {
        let (status, taken) = self.upload(collection, name, bytes).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{taken}");
        self.settled(taken["data"][0]["document_id"].as_str().unwrap()).await
    }

    /// Waits until a document is searchable or failed.
    pub(crate) async fn settled(&self, document: &str) -> Value {
        let path = format!("/api/v1/documents/{document}");
        eventually(&format!("{path} is settled"), || async {
            let (status, document) = self.get(&path).await;
            assert_eq!(status, StatusCode::OK, "{document}");
            let waiting = matches!(document["status"].as_str().unwrap(), "queued" | "processing");
            (!waiting).then_some(document)
        })
        .await
    }

    /// Asks and gives the answer.
    pub(crate) async fn ask(&self, question: &Value) -> (StatusCode, Value) {
        self.post("/api/v1/answers", question).await
    }

    /// A user with these roles and, where given, a grant; gives their key.
    pub(crate) async fn user(
        &self,
        name: &str,
        roles: &[&str],
        grant: Option<(&str, &str)>,
    ) -> (String, String) {
        let password = "correct horse battery staple";
        let new = json!({ "name": name, "password": password, "roles": roles });
        let (status, user) = self.post("/api/v1/users", &new).await;
        assert_eq!(status, StatusCode::CREATED, "{user}");
        let id = user["id"].as_str().unwrap().to_owned();
        if let Some((collection, permission)) = grant {
            let path = format!("/api/v1/collections/{collection}/grants/{id}");
            let granted = self
                .request(Method::PUT, &path)
                .json(&json!({ "permission": permission }))
                .send()
                .await
                .unwrap();
            assert!(granted.status().is_success(), "{}", granted.status());
        }
        let browser = Browser::sign_in(self, name, password).await;
        let (status, key) =
            body(browser.request(Method::POST, "/api/v1/keys").json(&json!({ "name": "test" }))).await;
        assert_eq!(status, StatusCode::CREATED, "{key}");
        (id, key["key"].as_str().unwrap().to_owned())
    }

    /// The same request with another key.
    pub(crate) fn as_user(&self, key: &str, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url)).bearer_auth(key)
    }

    /// Stops in order; the temporary directory goes with it.
    pub(crate) async fn stop(mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }
}

/// A signed-in browser: a cookie jar and the secret that its requests must carry.
pub(crate) struct Browser {
    pub(crate) client: reqwest::Client,
    pub(crate) csrf: String,
    url: String,
}

impl Browser {
    pub(crate) async fn sign_in(app: &TestApp, name: &str, password: &str) -> Self {
        let client = reqwest::Client::builder().cookie_store(true).timeout(PATIENCE).build().unwrap();
        let (status, opened) = body(
            client
                .post(format!("{}/api/v1/session", app.url))
                .json(&json!({ "name": name, "password": password })),
        )
        .await;
        assert_eq!(status, StatusCode::CREATED, "{opened}");
        Self { client, csrf: opened["csrf"].as_str().unwrap().to_owned(), url: app.url.clone() }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url)).header("X-CSRF-Token", &self.csrf)
    }
}

pub(crate) fn client() -> reqwest::Client {
    // A second provider in the tree would make rustls ask which one is meant.
    let _installed_before = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().timeout(PATIENCE).build().unwrap()
}

/// Status and JSON body; null when there is no body.
pub(crate) async fn body(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    let status = response.status();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// Asks again until there is something, and says what it waited for when there never is.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, ask: impl Fn() -> F) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// This project's own binary.
pub(crate) fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_docent"))
}

fn config(size: Size) -> Config {
    let environment: BTreeMap<String, String> =
        std::env::vars().filter(|(name, _)| name.starts_with("DOCENT__MODELS__")).collect();
    let mut config = Config::from_layers(None, &environment).unwrap();
    if size == Size::Small {
        "qwen2.5-coder-0.5b-instruct".clone_into(&mut config.models.generator);
    }
    config
}

async fn run(size: Size, config: &Config) -> Running {
    let models = models(size, config).await;
    let plan = Plan { config: config.clone(), serve: true, program: program() };
    app::start(plan, async { Ok(models) }).await.unwrap()
}

async fn models(size: Size, config: &Config) -> Models {
    static SMALL: OnceCell<Models> = OnceCell::const_new();
    static STARTER: OnceCell<Models> = OnceCell::const_new();
    let loaded = match size {
        Size::Small => &SMALL,
        Size::Starter => &STARTER,
    };
    // All of them, whatever the first test wants: the others share them.
    let load = || async { Models::load(&self::config(size)).await.expect("`make test` fetches the models") };
    let mut models = loaded.get_or_init(load).await.clone();
    models.recogniser = models.recogniser.filter(|_| !config.models.recogniser.is_empty());
    models
}
