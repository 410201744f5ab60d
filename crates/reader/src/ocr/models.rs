//! The two models and the characters that the second one knows. Knows no pictures.

use super::OcrError;
use rten::Model;
use rten::RunOptions;
use rten::ThreadPool;
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;
use std::path::Path;
use std::sync::Arc;
use std::sync::OnceLock;

/// Under which the recognition model's file names its characters, one a line.
const CHARACTERS_KEY: &str = "character";
/// The longest list taken; the usual one has 18,708.
const MAX_CHARACTERS: usize = 200_000;

/// The models that find and read lines of text.
pub struct OcrModels {
    detection: Model,
    recognition: Model,
    characters: Vec<char>,
    threads: usize,
    pool: OnceLock<Arc<ThreadPool>>,
}

impl OcrModels {
    /// The detection model's name in a folder of models.
    pub const DETECTION_FILE: &str = "PP-OCRv6_det_small.onnx";
    /// The recognition model's name in a folder of models.
    pub const RECOGNITION_FILE: &str = "PP-OCRv6_rec_small.onnx";

    /// Loads both models from a folder; they will run on so many threads, at least one.
    ///
    /// # Errors
    /// [`OcrError`], if a file is missing or is not the model that it should be.
    pub fn open(folder: &Path, threads: usize) -> Result<Self, OcrError> {
        let read = |file: &'static str| {
            std::fs::read(folder.join(file)).map_err(|cause| OcrError::File { file, cause })
        };
        Self::load(read(Self::DETECTION_FILE)?, read(Self::RECOGNITION_FILE)?, threads)
    }

    /// Loads both models from the bytes of their ONNX files. No thread is started before the first picture.
    ///
    /// # Errors
    /// [`OcrError`], if one of them is not the model that it should be.
    pub fn load(detection: Vec<u8>, recognition: Vec<u8>, threads: usize) -> Result<Self, OcrError> {
        let load = |role: &'static str, bytes: Vec<u8>| {
            Model::load(bytes).map_err(|error| OcrError::Load { role, detail: error.to_string() })
        };
        let detection = load("detection", detection)?;
        let recognition = load("recognition", recognition)?;
        let characters = characters(recognition.metadata().get(CHARACTERS_KEY))?;
        Ok(Self { detection, recognition, characters, threads: threads.max(1), pool: OnceLock::new() })
    }

    /// Says which character a class of the recognition model is; `None` for the blank and beyond the last class.
    pub(super) fn character(&self, class: usize) -> Option<char> {
        match class.checked_sub(1)? {
            index if index < self.characters.len() => Some(self.characters[index]),
            index if index == self.characters.len() => Some(' '),
            _ => None,
        }
    }

    /// Returns the probability that text stands at a place.
    ///
    /// `[1, 3, height, width] f32` in, `[1, 1, height, width] f32` out.
    pub(super) fn detect(&self, input: &NdTensor<f32, 4>) -> Result<NdTensor<f32, 4>, OcrError> {
        self.run("detection", &self.detection, input)
    }

    /// Returns the probabilities of the characters at each step along the lines.
    ///
    /// `[num_lines, 3, 48, width] f32` in, `[num_lines, num_steps, num_classes] f32` out.
    pub(super) fn recognise(&self, input: &NdTensor<f32, 4>) -> Result<NdTensor<f32, 3>, OcrError> {
        self.run("recognition", &self.recognition, input)
    }

    fn run<const N: usize>(
        &self,
        role: &'static str,
        model: &Model,
        input: &NdTensor<f32, 4>,
    ) -> Result<NdTensor<f32, N>, OcrError> {
        let pool = self.pool.get_or_init(|| Arc::new(ThreadPool::with_num_threads(self.threads)));
        let mut options = RunOptions::default();
        options.thread_pool = Some(Arc::clone(pool));
        let fault = |detail: String| OcrError::Run { role, detail };
        let output =
            model.run_one(input.view().into(), Some(options)).map_err(|error| fault(error.to_string()))?;
        output.try_into().map_err(|_| fault("its output has another form".to_owned()))
    }
}

/// Takes the list of characters apart: one a line, each a single character.
fn characters(list: Option<&str>) -> Result<Vec<char>, OcrError> {
    let fault = |detail: String| OcrError::Characters { detail };
    let list = list.ok_or_else(|| fault(format!("there is no `{CHARACTERS_KEY}` in its metadata")))?;
    let single = |(index, line): (usize, &str)| {
        let mut characters = line.chars();
        match (characters.next(), characters.next()) {
            (Some(character), None) => Ok(character),
            _ => Err(fault(format!("its line {} is not one character", index + 1))),
        }
    };
    let list = list.strip_suffix('\n').unwrap_or(list);
    let characters: Vec<char> =
        list.split('\n').take(MAX_CHARACTERS + 1).enumerate().map(single).collect::<Result<_, _>>()?;
    if characters.len() > MAX_CHARACTERS {
        return Err(fault(format!("it is longer than {MAX_CHARACTERS} lines")));
    }
    Ok(characters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_list_of_characters_has_one_a_line() {
        assert_eq!(characters(Some("!\n租\n🚾")).unwrap(), ['!', '租', '🚾']);
        assert_eq!(characters(Some("!\n租\n")).unwrap(), ['!', '租']);
        assert!(characters(None).is_err());
        assert!(characters(Some("")).is_err());
        assert!(characters(Some("a\n\nb")).is_err());
        assert!(characters(Some("a\nbc")).is_err());
        assert!(characters(Some(&"a\n".repeat(MAX_CHARACTERS + 1))).is_err());
    }

    #[test]
    fn bytes_that_are_no_model_are_refused() {
        assert!(matches!(
            OcrModels::load(b"no model".to_vec(), Vec::new(), 1),
            Err(OcrError::Load { role: "detection", .. })
        ));
    }

    proptest! {
        #[test]
        fn any_list_of_characters_is_taken_or_refused(list in "(.|\n){0,40}") {
            if let Ok(characters) = characters(Some(&list)) {
                let written: Vec<String> = characters.iter().map(char::to_string).collect();

                prop_assert_eq!(written.join("\n"), list.strip_suffix('\n').unwrap_or(&list));
            }
        }
    }
}
