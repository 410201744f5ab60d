//! Weights that are made of a model's sizes alone, to measure what cannot be downloaded. Knows no forward pass.

use candle_core::DType;
use candle_core::Device;
use candle_core::Tensor;

/// Up to so many numbers are made on the host, the same for every device; more would take minutes.
const ON_HOST: usize = 1 << 22;

/// Random weights of sizes that keep activations near 1, as training does.
pub(super) struct RandomWeights {
    pub architecture: String,
    pub tied: bool,
}

impl RandomWeights {
    /// Whether a model of the architecture has this tensor, by Hugging Face's names.
    pub(super) fn has(&self, name: &str) -> bool {
        let ends = |parts: &[&str]| parts.iter().any(|part| name.ends_with(part));
        if ends(&[".bias"]) {
            return self.architecture == "qwen2" && ends(&["q_proj.bias", "k_proj.bias", "v_proj.bias"]);
        }
        if ends(&["q_norm.weight", "k_norm.weight"]) {
            return self.architecture == "qwen3";
        }
        name != "lm_head.weight" || !self.tied
    }

    /// Norms are 1; all else is uniform around 0, matrices `[rows, columns]` with a variance of 1 / columns.
    pub(super) fn tensor(
        name: &str,
        dims: &[usize],
        (device, float): (&Device, DType),
    ) -> candle_core::Result<Tensor> {
        let &[rows, columns] = dims else {
            let bias = name.rsplit_once('.').is_some_and(|(_, kind)| kind == "bias");
            let (bound, middle) = if bias { (0.1, 0.0) } else { (0.0, 1.0) };
            let count = dims.iter().product();
            let values: Vec<f32> = numbers(name).take(count).map(|number| middle + bound * number).collect();
            return Tensor::from_vec(values, dims, device)?.to_dtype(float);
        };
        let bound = (3.0 / columns as f32).sqrt();
        if rows * columns > ON_HOST && !device.is_cpu() {
            return Tensor::rand(-bound, bound, dims, device)?.to_dtype(float);
        }
        let values: Vec<f32> = numbers(name).take(rows * columns).map(|number| bound * number).collect();
        Tensor::from_vec(values, dims, device)?.to_dtype(float)
    }
}

/// Numbers from -1 to 1 that differ for every name: xorshift64* (Vigna 2016, arXiv 1402.6246) from the name's FNV-1a hash.
fn numbers(name: &str) -> impl Iterator<Item = f32> {
    let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
    let mut state = name.bytes().fold(0xCBF2_9CE4_8422_2325, hash) | 1;
    std::iter::repeat_with(move || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let bits = state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40;
        bits as f32 / (1 << 23) as f32 - 1.0
    })
}

#[cfg(test)]
mod tests {
    use super::super::*;
    use crate::tiny;

    #[test]
    fn a_directory_without_weights_can_be_measured() {
        for architecture in ["qwen3", "qwen2", "llama"] {
            let directory = tiny::model(architecture);
            for entry in std::fs::read_dir(directory.path()).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|extension| extension == "safetensors") {
                    std::fs::remove_file(path).unwrap();
                }
            }
            let options = |format| LoadOptions {
                model: directory.path(),
                format,
                device: DeviceChoice::Cpu,
                kv_tokens: 64,
                threads: 1,
            };
            let table = [BlockId::at(0)];
            let part = Part {
                tokens: &[1, 2, 3],
                position: 0,
                table: &table,
                rope: RopeProfile::X1,
                wanted: Wanted::Logits,
            };
            let mut model = load(&options(LoadFormat::Dummy)).unwrap();

            let logits = model.forward(&[part]).unwrap().remove(0);

            let squares: f32 = logits.iter().map(|logit| logit * logit).sum();
            let deviation = (squares / logits.len() as f32).sqrt();
            assert!((0.3..3.0).contains(&deviation), "{architecture}: logits deviate by {deviation}");
            assert!(model.about().quantization.ends_with("(random)"));
            assert!(matches!(load(&options(LoadFormat::Auto)), Err(EngineError::Model { .. })));
        }
    }

    #[test]
    fn a_load_format_is_read_by_its_name() {
        assert_eq!("dummy".parse::<LoadFormat>().unwrap(), LoadFormat::Dummy);
        assert_eq!("auto".parse::<LoadFormat>().unwrap(), LoadFormat::Auto);
        assert!("gguf".parse::<LoadFormat>().is_err());
    }
}
