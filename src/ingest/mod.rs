//! Document in. `admit` answers the upload, by `accept` for each file of an archive; `process` is the worker's flow, one
//! line a stage:
//!
//! ```text
//! Upload ──accept──▶ job          a version's row, blob and job exist; 202 to the client
//! job ──resume─▶ Resumed          what an earlier attempt stored and would come out the same
//!     ──read──▶ Parsed            a child process extracted text, pages, headings
//!     ──recognise──▶ Parsed       others recognised the pages that are pictures
//!     ──chunk──▶ Chunks           the text as passages, each with page, boxes and heading path
//!     ──words──▶ Words            text and terms are durable; a first version can be found by its words
//!     ──embed──▶ Embedded         a dense vector for each passage, kept where the same was embedded before
//!     ──index──▶ Indexed          the version became the one that is searched in one step
//! ```
//!
//! A job passes through lanes with workers of their own: what has its words in the index goes back into the queue and is
//! embedded in a later attempt, in turns with the jobs of other users; what has pages to recognise goes by a third lane. So
//! no text waits to be found for the work of another.
//!
//! Every stage may run twice for one version: ids are derived, rows are replaced, writes are fenced by the claim. An
//! attempt goes on from what an earlier one stored (`resume`). A version that is whole and processed again is seen as it
//! was until all of the new is there.
//! Knows no HTTP, no SQL and no file format.

mod error;

mod accept;
mod archive;
mod delete;
mod page_image;
mod page_image_cache;
mod pieces;

mod arrivals;
mod control;
mod run;
mod running;
mod worker;

mod recipe;
mod resume;

mod child;
mod confinement;
mod unpack;

mod read;
mod recognise;

mod chunk;
mod clauses;
mod outline;
mod split;
mod table_headers;
mod token_weights;

mod words;

mod embed;
mod index;

pub use archive::Admitted;
pub use archive::Taken;
pub use clauses::clauses_of;
pub use error::IngestError;
pub use pieces::HeldUpload;
pub use pieces::UploadStart;

use crate::audit::Auditor;
use crate::audit::Vault;
use crate::config::Ingest as IngestConfig;
use crate::config::Reader as ReaderConfig;
use crate::config::Uploads as UploadsConfig;
use crate::domain::Accepted;
use crate::domain::AclFilter;
use crate::domain::Begin;
use crate::domain::CollectionId;
use crate::domain::DocumentId;
use crate::domain::Job;
use crate::domain::JobId;
use crate::domain::Lane;
use crate::domain::Principal;
use crate::domain::Progress;
use crate::domain::Span;
use crate::domain::Stage;
use crate::ingest::arrivals::Arrivals;
use crate::ingest::embed::Embedded;
use crate::ingest::index::Indexed;
use crate::ingest::page_image_cache::PageImageCache;
use crate::ingest::read::Parsed;
use crate::ingest::resume::Resumed;
use crate::ingest::run::Run;
use crate::ingest::running::Running;
use crate::ingest::words::Prepared;
use crate::ports::Blobs;
use crate::ports::Documents;
use crate::ports::Embedder;
use crate::ports::Erasures;
use crate::ports::HeldUploads;
use crate::ports::Intake;
use crate::ports::JobControl;
use crate::ports::Jobs;
use crate::ports::PrefixCache;
use crate::ports::Stored;
use crate::ports::UploadParts;
use crate::ports::Uploads;
use crate::ports::VectorIndex;
use secrecy::SecretString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// What the passwords of files are sealed as.
const PASSWORD: &str = "document.password";

/// What documents pass through on their way in.
pub struct Ingest {
    parts: IngestParts,
    /// One for each page image that may be painted at once.
    renders: Semaphore,
    images: PageImageCache,
    arrivals: Arrivals,
    running: Running,
}

/// What `Ingest` works with; `app.rs` fills it.
pub struct IngestParts {
    /// Workers, leases, sizes of passages.
    pub config: IngestConfig,
    /// Limits of the child that reads.
    pub reader: ReaderConfig,
    /// This binary, started again as `docent read` to read hostile files.
    pub reader_program: PathBuf,
    /// The folder of the models that recognise pages; none: such pages are not read.
    pub recogniser: Option<PathBuf>,
    /// Largest file that is taken, in bytes.
    pub max_upload_bytes: usize,
    /// Files.
    pub blobs: Arc<dyn Blobs>,
    /// Of uploads in pieces.
    pub uploads_config: UploadsConfig,
    /// Uploads in pieces.
    pub uploads: Arc<dyn Uploads>,
    /// What their writers write.
    pub held: Arc<dyn HeldUploads>,
    /// Their bytes, until the last has come.
    pub pieces: Arc<dyn UploadParts>,
    /// What may be seen.
    pub documents: Arc<dyn Documents>,
    /// What the pipeline writes.
    pub intake: Arc<dyn Intake>,
    /// What deletions have left to erase.
    pub erasures: Arc<dyn Erasures>,
    /// An answer that is under way now is recorded by then.
    pub answers_end_within: Duration,
    /// What earlier attempts have stored.
    pub stored: Arc<dyn Stored>,
    /// The pipeline's queue.
    pub jobs: Arc<dyn Jobs>,
    /// What people do to jobs.
    pub control: Arc<dyn JobControl>,
    /// Vectors.
    pub index: Arc<dyn VectorIndex>,
    /// Counts tokens and makes vectors.
    pub embedder: Arc<dyn Embedder>,
    /// What this process's generator holds of earlier prompts.
    pub prefixes: Arc<dyn PrefixCache>,
    /// The log.
    pub auditor: Auditor,
    /// Seals the passwords of files.
    pub vault: Vault,
}

/// What became of an attempt that met no fault.
enum Processed {
    /// The version is searched.
    Indexed(Indexed),
    /// The job goes on in this lane.
    PassedOn(Lane),
}

/// A file as it arrives.
pub struct Upload {
    /// Where it goes.
    pub collection: CollectionId,
    /// Whose new version it is; none makes a document.
    pub document: Option<DocumentId>,
    /// Given by the uploader; none: the file's own, else its name.
    pub title: Option<String>,
    /// As the uploader's machine called it; only for display.
    pub file_name: String,
    /// The file.
    pub bytes: Vec<u8>,
    /// Opens it, where it is encrypted.
    pub password: Option<SecretString>,
}

/// Which page image.
pub struct PageImage {
    /// Of which document.
    pub document: DocumentId,
    /// Of which version; none: the visible one.
    pub version: Option<i32>,
    /// From 1.
    pub page: u32,
    /// Characters to highlight.
    pub highlight: Option<Span>,
    /// Pixels a point; held between 0.5 and 4.
    pub scale: f32,
}

impl Ingest {
    /// Joins the parts.
    pub fn new(parts: IngestParts) -> Self {
        let renders = Semaphore::new(parts.reader.max_renders.max(1));
        let (images, arrivals, running) =
            (PageImageCache::default(), Arrivals::default(), Running::default());
        Self { parts, renders, images, arrivals, running }
    }

    /// Takes a file as [`Ingest::accept`] does, or all files of a zip archive, each as a document of its own.
    ///
    /// # Errors
    /// Why the file was not taken, or nothing of the archive can be had; faults of files in it are in the outcome.
    pub async fn admit(&self, who: &Principal, upload: Upload) -> Result<Admitted, IngestError> {
        archive::admit(self, who, upload).await
    }

    /// Checks, stores the blob, writes row and job, records it in the log. The same bytes in the same collection give
    /// what is already there.
    ///
    /// # Errors
    /// The file's fault (empty, too large, of an unknown format), the caller's (not writable), or a store's.
    pub async fn accept(&self, who: &Principal, upload: Upload) -> Result<Accepted, IngestError> {
        let accepted = accept::accept(&self.parts, who, upload).await?;
        self.arrivals.announce();
        Ok(accepted)
    }

    /// Erases rows, vectors and blobs, checks that they are gone, records it.
    ///
    /// # Errors
    /// [`IngestError::NotErased`] when nobody can see the document any more but a store did not erase its data yet;
    /// [`Ingest::sweep`] goes on with it.
    pub async fn delete(&self, who: &Principal, document: DocumentId) -> Result<(), IngestError> {
        self.images.forget(document);
        delete::delete(&self.parts, who, document).await?;
        self.images.forget(document);
        Ok(())
    }

    /// Ends a job that waits or runs, with what it left half done; one that is stopped already is as it was.
    ///
    /// # Errors
    /// [`IngestError::JobOver`] when it came to its end, the caller's fault (not writable), or a store's.
    pub async fn stop(&self, who: &Principal, job: JobId) -> Result<Job, IngestError> {
        control::stop(self, who, job).await
    }

    /// Begins the version of a job that is over once more, as a new job.
    ///
    /// # Errors
    /// [`IngestError::JobNotOver`], [`IngestError::JobReplaced`] when it was begun again before, the caller's fault (not
    /// writable), or a store's.
    pub async fn retry(&self, who: &Principal, job: JobId, from: Option<Begin>) -> Result<Job, IngestError> {
        control::retry(self, who, job, from).await
    }

    /// PNG of a page with the characters highlighted.
    ///
    /// # Errors
    /// [`IngestError::NoPageImage`] for text and Markdown, [`IngestError::RenderBusy`] when too many are painted.
    pub async fn page_image(&self, filter: &AclFilter, image: PageImage) -> Result<Vec<u8>, IngestError> {
        page_image::page_image(self, filter, image).await
    }

    /// Asks a child that reads what it is kept from, and says so in the log and in the metrics.
    pub async fn report_confinement(self: Arc<Self>) {
        confinement::report(&self.parts).await;
    }

    /// Takes jobs of a lane until stopped, then gives the one at hand back.
    pub async fn work(self: Arc<Self>, lane: Lane, worker: String, stop: CancellationToken) {
        worker::work(&self, lane, &worker, &stop).await;
    }

    /// Erases what deletions have left, until stopped.
    pub async fn sweep(self: Arc<Self>, stop: CancellationToken) {
        delete::sweep(&self.parts, &stop).await;
    }

    /// One job, one line a stage.
    async fn process(&self, run: &Run) -> Result<Processed, IngestError> {
        // Pages that are recognised in another turn.
        let mut pictures = 0;
        let mut prepared = match resume::resume(&self.parts, run).await? {
            Resumed::Passages(prepared) => *prepared,
            Resumed::Text(parsed) => self.cut(run, *parsed).await?,
            Resumed::Nothing => {
                let parsed = read::read(&self.parts, run).await?;
                pictures = parsed.pictures();
                if pictures > 0 && parsed.content().trim().is_empty() {
                    return self.pass_on(run, Lane::Long, Stage::Recognise, (0, pictures)).await;
                }
                self.cut(run, parsed).await?
            }
        };
        if run.job().redo {
            prepared = embed::ahead(&self.parts, run, prepared).await?;
        }
        let words = words::words(&self.parts, run, prepared).await?;
        if pictures > 0 {
            return self.pass_on(run, Lane::Long, Stage::Recognise, (0, pictures)).await;
        }
        match embed::embed(&self.parts, run, words).await? {
            Embedded::Whole(vectors) => {
                index::index(&self.parts, run, *vectors).await.map(Processed::Indexed)
            }
            Embedded::Part { done, total } => {
                self.pass_on(run, Lane::Vectors, Stage::Embed, (done, total)).await
            }
        }
    }

    async fn pass_on(
        &self,
        run: &Run,
        to: Lane,
        stage: Stage,
        (done, total): (usize, usize),
    ) -> Result<Processed, IngestError> {
        run.pass_on(to, Progress { stage, done: done as i64, total: total as i64 }).await?;
        self.arrivals.announce();
        Ok(Processed::PassedOn(to))
    }

    async fn cut(&self, run: &Run, parsed: Parsed) -> Result<Prepared, IngestError> {
        let chunks = chunk::chunk(&self.parts, run, parsed).await?;
        words::prepare(&self.parts, run, chunks).await
    }
}
