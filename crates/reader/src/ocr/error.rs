//! Why text in pictures cannot be recognised. Knows no files.

/// What is wrong with the models, or went wrong in running them.
#[derive(Debug, thiserror::Error)]
pub enum OcrError {
    /// A model's file cannot be read.
    #[error("the model `{file}` cannot be read")]
    File {
        /// Its name in the folder.
        file: &'static str,
        #[source]
        cause: std::io::Error,
    },
    /// A model's file is no model that can be run here.
    #[error("the {role} model cannot be loaded: {detail}")]
    Load {
        /// `detection` or `recognition`.
        role: &'static str,
        /// In the words of the runtime.
        detail: String,
    },
    /// The recognition model does not name its characters as it should.
    #[error("the recognition model's list of characters cannot be used: {detail}")]
    Characters {
        /// What is wrong with it.
        detail: String,
    },
    /// A model failed on a picture.
    #[error("the {role} model failed: {detail}")]
    Run {
        /// `detection` or `recognition`.
        role: &'static str,
        /// In the words of the runtime.
        detail: String,
    },
}
