//! From configuration to running models. Knows no source.

use crate::adapters::models::EngineEmbedder;
use crate::adapters::models::EngineGenerator;
use crate::adapters::models::ModelsError;
use crate::adapters::models::ResolvedModel;
use crate::adapters::models::activity::Activity;
use crate::adapters::models::chat::Template;
use crate::adapters::models::manifest::Family;
use crate::adapters::models::manifest::Kind;
use crate::adapters::models::resolve;
use crate::config::Config;
use crate::domain::ModelFingerprint;
use engine::DecoderOptions;
use engine::DeviceChoice;
use engine::Encoder;
use engine::EncoderFamily;
use engine::EncoderOptions;
use engine::EngineError;
use engine::Fingerprint;
use engine::Handle;
use engine::LoadFormat;
use engine::VaultOptions;
use std::path::PathBuf;
use std::sync::Arc;

/// The two models of a running service.
pub type Models = (Arc<EngineGenerator>, Arc<EngineEmbedder>);

/// Loads the two models that the configuration names. Blocking, seconds to minutes.
///
/// # Errors
/// `Unknown`, `Missing` and `Damaged` name the command that mends it; `WrongKind`, `Disk`, `Engine`.
pub fn start(config: &Config) -> Result<Models, ModelsError> {
    let activity = Activity::new();
    let generator = start_generator(config, &activity)?;
    let embedder = start_embedder(config, &activity)?;
    Ok((Arc::new(generator), Arc::new(embedder)))
}

fn start_generator(config: &Config, activity: &Activity) -> Result<EngineGenerator, ModelsError> {
    let model = find(&config.models.generator, Kind::Generator, config)?;
    let failed = |source| ModelsError::Engine { name: model.name.to_owned(), source };
    let options = DecoderOptions {
        load_format: LoadFormat::Auto,
        model: model.weights.clone(),
        tokenizer: model.tokenizer.clone(),
        device: device(config).map_err(failed)?,
        max_context_tokens: config.engine.max_context_tokens,
        kv_tokens: config.engine.kv_tokens,
        vault: vault(config),
        max_sequences: config.engine.max_running,
        queue_depth: config.engine.queue_depth,
        threads: (config.engine.threads > 0).then_some(config.engine.threads),
        weights_sha256: model.weights_sha256.clone(),
    };
    let handle = Handle::start(options).map_err(failed)?;
    let template = Template::new(model.family, handle.tokenizer()).map_err(|detail| {
        let path = model.tokenizer.display().to_string();
        failed(EngineError::Model { path, detail })
    })?;
    let fingerprint = fingerprint(&model, handle.fingerprint());
    log(&fingerprint, "the model that answers is loaded");
    Ok(EngineGenerator::new(handle, template, fingerprint, activity.clone()))
}

/// Where the engine keeps what it computed of earlier prompts.
fn vault(config: &Config) -> Option<VaultOptions> {
    let (memory_mb, disk_mb) = (config.engine.vault_memory_mb, config.engine.vault_disk_mb);
    (memory_mb > 0).then(|| VaultOptions {
        memory_bytes: memory_mb << 20,
        directory: (disk_mb > 0).then(|| config.data.dir.join("kv")),
        disk_bytes: disk_mb << 20,
    })
}

fn start_embedder(config: &Config, activity: &Activity) -> Result<EngineEmbedder, ModelsError> {
    let model = find(&config.models.embedder, Kind::Embedder, config)?;
    let failed = |source| ModelsError::Engine { name: model.name.to_owned(), source };
    let options = EncoderOptions {
        directory: model.directory.clone(),
        family: encoder_family(&model)?,
        dimensions: None,
        device: device(config).map_err(failed)?,
        queue_depth: config.engine.embed_queue_depth,
        weights_sha256: model.weights_sha256.clone(),
    };
    let encoder = Encoder::start(options).map_err(failed)?;
    let fingerprint = fingerprint(&model, encoder.fingerprint());
    log(&fingerprint, "the model that embeds is loaded");
    Ok(EngineEmbedder::new(encoder, fingerprint, activity.clone()))
}

/// Returns the folder of the model that recognises pages, if one is named and there.
///
/// # Errors
/// `Unknown`, `WrongKind`, `Damaged`, `Disk`. One that is missing is no error: files with text can be read without.
pub fn recogniser(config: &Config) -> Result<Option<PathBuf>, ModelsError> {
    let name = &config.models.recogniser;
    if name.is_empty() {
        return Ok(None);
    }
    match find(name, Kind::Recogniser, config) {
        Ok(model) => Ok(Some(model.directory)),
        Err(missing @ ModelsError::Missing { .. }) => {
            tracing::warn!("pages that are pictures will not be read: {missing}");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn find(name: &str, kind: Kind, config: &Config) -> Result<ResolvedModel, ModelsError> {
    let model = resolve(name, config)?;
    if model.kind == kind {
        return Ok(model);
    }
    let (is, wanted) = (model.kind.as_str(), kind.as_str());
    Err(ModelsError::WrongKind { name: name.to_owned(), is, wanted })
}

fn device(config: &Config) -> Result<DeviceChoice, EngineError> {
    config.engine.device.parse().map(DeviceChoice::or_cpu)
}

fn encoder_family(model: &ResolvedModel) -> Result<EncoderFamily, ModelsError> {
    match model.family {
        Family::E5 => Ok(EncoderFamily::E5),
        Family::BgeM3 => Ok(EncoderFamily::BgeM3),
        Family::Qwen3Embedding => Ok(EncoderFamily::Qwen3Embedding),
        Family::Qwen2 | Family::Qwen3 | Family::BgeReranker | Family::PpOcr => {
            let (is, wanted) = (model.kind.as_str(), Kind::Embedder.as_str());
            Err(ModelsError::WrongKind { name: model.name.to_owned(), is, wanted })
        }
    }
}

/// The engine's fingerprint under the manifest's name.
fn fingerprint(model: &ResolvedModel, engine: &Fingerprint) -> ModelFingerprint {
    ModelFingerprint {
        model: model.name.to_owned(),
        weights_sha256: engine.weights_sha256.clone(),
        tokenizer_sha256: engine.tokenizer_sha256.clone(),
        quantization: engine.quantization.clone(),
        engine: engine.engine.clone(),
        device: engine.device.clone(),
        kernels: engine.kernels.clone(),
    }
}

fn log(fingerprint: &ModelFingerprint, message: &str) {
    let ModelFingerprint { model, quantization, device, kernels, .. } = fingerprint;
    tracing::info!(model = %model, quantization = %quantization, device = %device, kernels = %kernels, "{message}");
}
