//! The binary itself as a process, with the managed Postgres and everything embedded, to be killed and started again.

use crate::support::app::PATIENCE;
use crate::support::app::client;
use crate::support::app::program;
use reqwest::Method;
use reqwest::RequestBuilder;
use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process;
use std::net::TcpListener;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

pub(crate) const KEY: &str = "dk_front_door_tests_0123456789";

pub(crate) struct Process {
    pub(crate) url: String,
    /// From start to readiness.
    pub(crate) start: Duration,
    child: Child,
    client: reqwest::Client,
}

impl Process {
    /// Starts over a data directory and waits until it is ready.
    pub(crate) async fn start(data: &Path, environment: &[(&str, &str)]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let began = Instant::now();
        let child = Command::new(program())
            .arg("serve")
            .env("DOCENT__DATA__DIR", data)
            .env("DOCENT__HTTP__LISTEN", format!("127.0.0.1:{port}"))
            .env("DOCENT__MODELS__GENERATOR", "qwen2.5-coder-0.5b-instruct")
            .env("DOCENT_BOOTSTRAP_KEY", KEY)
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut process =
            Self { url: format!("http://127.0.0.1:{port}"), start: Duration::ZERO, child, client: client() };
        process.wait_until_ready(began).await;
        process
    }

    /// Starts one that only works on uploads; it is there as soon as it takes a job.
    pub(crate) fn work(data: &Path, environment: &[(&str, &str)]) -> Self {
        let began = Instant::now();
        let child = Command::new(program())
            .arg("work")
            .env("DOCENT__DATA__DIR", data)
            .env("DOCENT__MODELS__GENERATOR", "qwen2.5-coder-0.5b-instruct")
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { url: String::new(), start: began.elapsed(), child, client: client() }
    }

    async fn wait_until_ready(&mut self, began: Instant) {
        loop {
            let asked = self.client.get(format!("{}/readyz", self.url)).send().await;
            if asked.is_ok_and(|answer| answer.status().is_success()) {
                self.start = began.elapsed();
                return;
            }
            assert!(self.child.try_wait().unwrap().is_none(), "the service ended while starting");
            assert!(began.elapsed() < PATIENCE, "the service is never ready");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url)).bearer_auth(KEY)
    }

    /// `kill -9`, whoever still waits for an answer of it.
    pub(crate) fn strike(&self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::KILL).unwrap();
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ctrl-C, and gives its exit status.
    pub(crate) fn interrupt(mut self) -> std::process::ExitStatus {
        let id = i32::try_from(self.child.id()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), Signal::INT).unwrap();
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _gone_already = self.child.wait();
    }
}
