//! The command line: parses arguments, nothing else. What the commands do is in `app`.

use clap::Parser;
use clap::Subcommand;
use docent::app;
use docent::app::auditing::Desk;
use docent::app::auditing::Wanted;
use docent::app::bulk::Access;
use docent::app::witness::Watch;
use docent::config::Config;
use docent::telemetry;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// Answers questions about your own documents, on your own machines, with checked citations and an audit record.
#[derive(Parser)]
#[command(name = "docent", version, max_term_width = 100)]
struct Arguments {
    /// Configuration file; the environment (DOCENT__SECTION__KEY) overrides it
    #[arg(long, short, global = true, env = "DOCENT_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the pages and the API, and work on uploads
    Serve,
    /// Work on uploads only; for more workers beside `serve`, with the same Postgres, Qdrant and blobs
    Work,
    /// Send files and folders to a running service and wait until they are searchable
    Ingest {
        /// Files, and folders with all that is below them; what begins with a dot is left out
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Name or id of the collection they go into
        #[arg(long)]
        collection: String,
        /// Address of the service
        #[arg(long, env = "DOCENT_URL", default_value = "http://127.0.0.1:8080")]
        url: String,
        /// API key of a contributor; better said in the environment than on the command line
        #[arg(long, env = "DOCENT_KEY", hide_env_values = true)]
        key: String,
        /// Opens encrypted PDF files among them; better said in the environment than on the command line
        #[arg(long, env = "DOCENT_PDF_PASSWORD", hide_env_values = true)]
        password: Option<String>,
    },
    /// Print the clauses of files as Docent reads them, a line of JSON each; needs no service
    Outline {
        /// Files of any kind that can be uploaded
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Watch logs for somebody who does not trust their operators: sign each checkpoint of a log that only grew
    Witness {
        /// Public key of a log to watch, from `/api/v1/audit/key` of its service; may be given more than once
        #[arg(long = "log", required = true, value_name = "KEY")]
        logs: Vec<String>,
        /// Name of this witness's own key, best below a domain of yours, such as `compliance.example.com/w1`
        #[arg(long)]
        name: String,
        /// Folder for its key and for what it saw
        #[arg(long, value_name = "FOLDER")]
        state: PathBuf,
        /// Where it listens
        #[arg(long, default_value = "127.0.0.1:8090")]
        listen: SocketAddr,
    },
    /// Look at the audit log of a running service, as an auditor
    Audit {
        #[command(subcommand)]
        command: Auditing,
        /// Address of the service
        #[arg(long, global = true, env = "DOCENT_URL", default_value = "http://127.0.0.1:8080")]
        url: String,
        /// API key of an auditor; better said in the environment than on the command line
        #[arg(long, global = true, env = "DOCENT_KEY", hide_env_values = true, default_value = "")]
        key: String,
    },
    /// Bring the database named by `database.url` up to date
    Migrate,
    /// Fetch, list or check models
    Models {
        #[command(subcommand)]
        command: Models,
    },
    /// Look at the configuration
    Config {
        #[command(subcommand)]
        command: Configuration,
    },
    /// Read one file from standard input in a child process with limits (used by `serve` and `work`)
    #[command(hide = true)]
    Read {
        /// As JSON
        #[arg(long)]
        limits: String,
        /// Folder of the models that recognise pages, for a job that does
        #[arg(long)]
        models: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
enum Auditing {
    /// Check every record and checkpoint, from an export that is read and not kept
    Verify {
        /// The log's key, or a file with it, kept when the log began; left out: the service's word is taken for it
        #[arg(long, value_name = "KEY OR FILE")]
        log_key: Option<String>,
        /// A checkpoint that was kept: the log must still be how it went on from there
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
    },
    /// Write all records to a file, for docent-verify; without content
    Export {
        /// Where to
        file: PathBuf,
        /// Position of the first record
        #[arg(long, default_value_t = 0)]
        first: u64,
    },
    /// Print the newest signed checkpoint, to be kept where nobody who runs the service can change it
    Checkpoint,
    /// Say how the log is doing; fails when something is not as it should be
    Doctor,
}

impl From<Auditing> for Wanted {
    fn from(command: Auditing) -> Self {
        match command {
            Auditing::Verify { log_key, checkpoint } => Self::Verify { log_key, checkpoint },
            Auditing::Export { file, first } => Self::Export { file, first },
            Auditing::Checkpoint => Self::Checkpoint,
            Auditing::Doctor => Self::Doctor,
        }
    }
}

#[derive(Subcommand)]
enum Models {
    /// Fetch models that are not there yet, and check them
    Pull {
        /// Names from `docent models list`, such as `starter` or `qwen3-32b`
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Say which models there are and which are here
    List,
    /// Hash every file of the models that are here and compare
    Verify {
        /// Only these; all that are here when none is named
        names: Vec<String>,
    },
}

#[derive(Subcommand)]
enum Configuration {
    /// Print the effective configuration, secrets masked
    Show,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Command::Read { limits, models } = &arguments.command {
        return app::read(limits, models.as_deref());
    }
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("docent: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    if let Command::Ingest { paths, collection, url, key, password } = arguments.command {
        let access = Access { url, key: key.into(), password: password.map(Into::into) };
        return app::ingest(access, &collection, &paths);
    }
    if let Command::Audit { command, url, key } = arguments.command {
        return app::audit(&Desk { url, key: key.into() }, command.into());
    }
    if let Command::Outline { files } = &arguments.command {
        return app::outline(files);
    }
    let config = Config::load(arguments.config.as_deref())?;
    telemetry::start_logging(&config.log);
    match arguments.command {
        Command::Serve => app::serve(config),
        Command::Work => app::work(config),
        Command::Witness { logs, name, state, listen } => app::witness(Watch { listen, state, name, logs }),
        Command::Migrate => app::migrate(&config),
        Command::Models { command: Models::Pull { names } } => app::pull_models(&config, &names),
        Command::Models { command: Models::List } => app::list_models(&config),
        Command::Models { command: Models::Verify { names } } => app::verify_models(&config, &names),
        Command::Config { command: Configuration::Show } => app::show_config(&config),
        Command::Read { .. } | Command::Ingest { .. } | Command::Audit { .. } | Command::Outline { .. } => {
            unreachable!("answered before the configuration is read")
        }
    }
}
