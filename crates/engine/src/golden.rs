//! What tests need to compare with Hugging Face transformers: the files of `golden/`, which its scripts make.
//!
//! Weights are not stored. Both sides make them from the recipes in the files, by the formula that the head of
//! `golden/make.py` tells.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::path::Path;

use candle_core::Device;
use candle_core::Tensor;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Map;
use serde_json::Value;
use tempfile::TempDir;

/// A tiny model with its tokenizer, and what transformers makes of texts with it.
#[derive(Deserialize)]
pub(crate) struct Golden<C> {
    pub config: Map<String, Value>,
    pub tensors: Vec<Recipe>,
    pub tokenizer: Value,
    pub cases: Vec<C>,
    /// The most that results change through a mistake.
    pub mistakes: BTreeMap<String, f32>,
}

/// How the numbers of a tensor are made.
#[derive(Deserialize)]
pub(crate) struct Recipe {
    pub name: String,
    pub dims: Vec<usize>,
    #[serde(default, rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub scale: f32,
    #[serde(default)]
    pub offset: f32,
    /// The least bits of the f16 scales of a quantised tensor's blocks.
    #[serde(default)]
    pub d: u16,
    #[serde(default)]
    pub dmin: u16,
}

impl<C> Golden<C> {
    /// A directory as the hub has them.
    pub(crate) fn directory(&self) -> TempDir {
        let directory = directory(&self.config, &self.tensors);
        let tokenizer = self.tokenizer.to_string();
        std::fs::write(directory.path().join("tokenizer.json"), tokenizer).unwrap();
        directory
    }
}

/// A file of `golden/`.
pub(crate) fn read<T: DeserializeOwned>(name: &str) -> T {
    // cargo says where the crate is, and so does whoever runs the tests where it was not built
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let path = Path::new(&package).join("golden").join(format!("{name}.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// A directory with `config.json` and `model.safetensors`, as the hub has them.
pub(crate) fn directory(config: &Map<String, Value>, tensors: &[Recipe]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let config = Value::Object(config.clone());
    std::fs::write(directory.path().join("config.json"), config.to_string()).unwrap();
    let tensors: HashMap<String, Tensor> =
        tensors.iter().map(|recipe| (recipe.name.clone(), recipe.floats())).collect();
    candle_core::safetensors::save(&tensors, directory.path().join("model.safetensors")).unwrap();
    directory
}

/// A tolerance that a mistake stays within would test nothing.
pub(crate) fn assert_mistakes_show(name: &str, mistakes: &BTreeMap<String, f32>, tolerance: f32) {
    for (mistake, change) in mistakes {
        assert!(*change > 3.0 * tolerance, "{name}: `{mistake}` changes results by {change} only");
    }
}

impl Recipe {
    /// Its numbers, f32.
    pub(crate) fn floats(&self) -> Tensor {
        let float = |output: u64| (output >> 40) as f32 / (1 << 24) as f32 - 0.5;
        let floats = outputs(&self.name).map(|output| float(output) * self.scale + self.offset);
        let floats: Vec<f32> = floats.take(self.dims.iter().product()).collect();
        Tensor::from_vec(floats, self.dims.as_slice(), &Device::Cpu).unwrap()
    }
}

/// What splitmix64 (Steele, Lea and Flood 2014) gives for the seed that is the FNV-1a hash of a name.
pub(crate) fn outputs(name: &str) -> impl Iterator<Item = u64> {
    let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    let seed = name.bytes().fold(0xCBF2_9CE4_8422_2325, hash);
    (1_u64..).map(move |index| {
        let z = seed.wrapping_add(index.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    })
}
