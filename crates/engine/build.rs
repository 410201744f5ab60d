//! Names this build by a digest of its sources, for fingerprints. With the feature `cuda`: compiles `cuda/*.cu` with nvcc over
//! FlashInfer's headers (Apache-2.0) into the crate.
//!
//! | variable | what it says |
//! |---|---|
//! | `NVCC`, else `CUDA_HOME` or `CUDA_PATH`, else `/usr/local/cuda` | nvcc, or the toolkit it is in |
//! | `FLASHINFER_DATA` | the folder `flashinfer/data` of the Python package `flashinfer-python` |
//! | `CUDA_COMPUTE_CAP` | of the GPUs to build for: `80` A100, `90` H100 and H200 (default); newer ones compile at start |
//! | `DOCENT_CUDA_KERNELS` | `none` compiles no kernel: enough for `cargo check`, needs no toolkit, cannot be linked; anything else is an nvcc for these kernels alone |
//!
//! `make cuda-toolkit` makes toolkit and headers out of packages.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::hash::DefaultHasher;
use std::hash::Hasher;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

const SOURCES: [&str; 3] = ["attention", "elementwise", "sampling"];
/// FlashInfer's own headers, and the CCCL that it needs before the toolkit's.
const INCLUDES: [&str; 4] = ["include", "cccl/libcudacxx/include", "cccl/cub", "cccl/thrust"];

fn main() -> Result<(), String> {
    name_build().map_err(|error| format!("cannot read the sources: {error}"))?;
    for variable in
        ["NVCC", "CUDA_HOME", "CUDA_PATH", "FLASHINFER_DATA", "CUDA_COMPUTE_CAP", "DOCENT_CUDA_KERNELS"]
    {
        println!("cargo:rerun-if-env-changed={variable}");
    }
    let own_nvcc = env::var_os("DOCENT_CUDA_KERNELS");
    let types_only = own_nvcc.as_ref().is_some_and(|value| value == "none");
    if env::var_os("CARGO_FEATURE_CUDA").is_none() || types_only {
        return Ok(());
    }
    let toolkit = ["CUDA_HOME", "CUDA_PATH"].iter().find_map(env::var_os).map(PathBuf::from);
    let toolkit = toolkit.unwrap_or_else(|| PathBuf::from("/usr/local/cuda"));
    let nvcc =
        own_nvcc.or_else(|| env::var_os("NVCC")).map_or_else(|| toolkit.join("bin/nvcc"), PathBuf::from);
    let headers = headers()?;
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo gives no OUT_DIR")?);
    let mut objects = Vec::new();
    for source in SOURCES {
        objects.push(compile(&nvcc, &headers, source, &out)?);
    }
    let archive = out.join("libdocent_kernels.a");
    // `ar` would keep what an earlier build put there
    let _ = fs::remove_file(&archive);
    run(Command::new("ar").arg("crs").arg(&archive).args(&objects))?;
    println!("cargo:rustc-link-search=native={}", out.display());
    println!("cargo:rustc-link-search=native={}", toolkit.join("lib64").display());
    println!("cargo:rustc-link-lib=static=docent_kernels");
    println!("cargo:rustc-link-lib=dylib=cudart");
    println!("cargo:rustc-link-lib=dylib=stdc++");
    Ok(())
}

/// Sets `DOCENT_ENGINE_BUILD` to a digest of all that is computed with: equal sources and libraries give equal numbers.
fn name_build() -> io::Result<()> {
    let mut files = BTreeSet::new();
    for path in ["src", "cuda", "../../Cargo.lock"] {
        collect(Path::new(path), &mut files)?;
    }
    let mut hasher = DefaultHasher::new();
    for file in files {
        println!("cargo:rerun-if-changed={}", file.display());
        hasher.write(file.to_string_lossy().as_bytes());
        hasher.write(&fs::read(file)?);
    }
    println!("cargo:rustc-env=DOCENT_ENGINE_BUILD={:016x}", hasher.finish());
    Ok(())
}

/// All files but those of tests, which change nothing that is computed.
fn collect(path: &Path, files: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    if ["tests", "golden", "tiny", "twin"].contains(&&*name) || name.ends_with("_tests") {
        return Ok(());
    }
    if path.is_file() {
        files.insert(path.to_owned());
        return Ok(());
    }
    fs::read_dir(path)?.try_for_each(|entry| collect(&entry?.path(), files))
}

fn headers() -> Result<PathBuf, String> {
    let hint = "`make cuda-toolkit` fetches FlashInfer's headers and prints the variables to set";
    let data = env::var_os("FLASHINFER_DATA").ok_or(format!("FLASHINFER_DATA is not set: {hint}"))?;
    let data = PathBuf::from(data);
    if data.join("include/flashinfer/attention/prefill.cuh").exists() {
        Ok(data)
    } else {
        Err(format!("FLASHINFER_DATA={} has no include/flashinfer: {hint}", data.display()))
    }
}

fn compile(nvcc: &Path, headers: &Path, source: &str, out: &Path) -> Result<PathBuf, String> {
    let capability = env::var_os("CUDA_COMPUTE_CAP").unwrap_or_else(|| OsStr::new("90").to_owned());
    let capability = capability.to_string_lossy();
    let object = out.join(format!("{source}.o"));
    let mut command = Command::new(nvcc);
    // code for the GPU named, and its intermediate form for those after it
    command.arg(format!("-gencode=arch=compute_{capability},code=[sm_{capability},compute_{capability}]"));
    command.args(["-O3", "-std=c++17", "--expt-relaxed-constexpr", "-Xcompiler", "-fPIC"]);
    for include in INCLUDES {
        command.arg("-I").arg(headers.join(include));
    }
    command.arg("-c").arg(format!("cuda/{source}.cu")).arg("-o").arg(&object);
    run(&mut command)?;
    Ok(object)
}

fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{program}` failed ({status}): see what it printed above")),
        Err(error) => Err(format!(
            "`{program}` cannot be run ({error}): install NVIDIA's CUDA toolkit and set CUDA_HOME, or run `make cuda-toolkit`"
        )),
    }
}
