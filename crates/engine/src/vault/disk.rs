//! Blocks in files, encrypted, the oldest deleted when there are too many.
//!
//! ```text
//! <name in hex>.kv    nonce (24) ‖ XChaCha20-Poly1305(key, origin (17) ‖ tokens (4 each) ‖ keys and values;  name)
//! ```
//!
//! The key is random, lives in this process's memory alone and is another one after everything was forgotten. Knows no
//! memory tier.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use chacha20poly1305::Key;
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::XNonce;
use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::aead::Generate;
use chacha20poly1305::aead::KeyInit;

use crate::blocks::BLOCK_TOKENS;
use crate::blocks::Label;
use crate::blocks::Name;
use crate::blocks::Origin;

const NONCE_BYTES: usize = 24;
const ORIGIN_BYTES: usize = 17;
const HEAD_BYTES: usize = ORIGIN_BYTES + 4 * BLOCK_TOKENS;
const EXTENSION: &str = "kv";

/// The files.
pub(super) struct Disk {
    directory: PathBuf,
    cipher: XChaCha20Poly1305,
    /// Their sizes, in bytes.
    files: HashMap<Name, u64>,
    /// The oldest first.
    order: VecDeque<Name>,
    bytes: u64,
    bound: u64,
}

impl Disk {
    /// An empty directory: files of an earlier process, which nobody can read, are deleted.
    pub(super) fn open(directory: &Path, bound: u64) -> io::Result<Self> {
        create_private(directory)?;
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == EXTENSION) {
                fs::remove_file(path)?;
            }
        }
        let (directory, cipher) = (directory.to_owned(), cipher()?);
        Ok(Self { directory, cipher, files: HashMap::new(), order: VecDeque::new(), bytes: 0, bound })
    }

    /// Writes a block, unless it is there; gives the names of those that had to go.
    pub(super) fn write(&mut self, label: &Label, kv: &[u8]) -> io::Result<Vec<Name>> {
        let size = (NONCE_BYTES + HEAD_BYTES + kv.len() + 16) as u64;
        if self.files.contains_key(&label.name) || size > self.bound {
            return Ok(Vec::new());
        }
        let nonce = XNonce::try_generate().map_err(io::Error::other)?;
        let mut data = Vec::with_capacity(size as usize);
        data.extend_from_slice(&nonce);
        data.extend_from_slice(&head(label));
        data.extend_from_slice(kv);
        let tag =
            self.cipher.encrypt_inout_detached(&nonce, &label.name.0, (&mut data[NONCE_BYTES..]).into());
        data.extend_from_slice(&tag.map_err(|_| io::Error::other("a block is too large to be encrypted"))?);
        let gone = self.make_room(size);
        fs::write(self.path(label.name), &data)?;
        self.files.insert(label.name, size);
        self.order.push_back(label.name);
        self.bytes += size;
        Ok(gone)
    }

    /// Reads a block; nothing where there is none, or where it is not what was written.
    pub(super) fn read(&mut self, name: Name) -> io::Result<Option<(Label, Vec<u8>)>> {
        if !self.files.contains_key(&name) {
            return Ok(None);
        }
        let mut data = fs::read(self.path(name))?;
        let opened = self.open_block(name, &mut data);
        if opened.is_none() {
            tracing::warn!("a file of the vault was changed; it is not used");
            self.delete(name);
        }
        Ok(opened)
    }

    /// Deletes everything, under a new key.
    pub(super) fn forget(&mut self) -> io::Result<()> {
        self.cipher = cipher()?;
        while let Some(name) = self.order.front().copied() {
            self.delete(name);
        }
        Ok(())
    }

    fn open_block(&self, name: Name, data: &mut [u8]) -> Option<(Label, Vec<u8>)> {
        let (nonce, rest) = data.split_at_mut_checked(NONCE_BYTES)?;
        let (body, tag) = rest.split_at_mut_checked(rest.len().checked_sub(16)?)?;
        let (nonce, tag) = (XNonce::try_from(&*nonce).ok()?, (&*tag).try_into().ok()?);
        self.cipher.decrypt_inout_detached(&nonce, &name.0, (&mut *body).into(), &tag).ok()?;
        let (head, kv) = body.split_at_checked(HEAD_BYTES)?;
        Some((label(name, head)?, kv.to_vec()))
    }

    fn make_room(&mut self, size: u64) -> Vec<Name> {
        let mut gone = Vec::new();
        while self.bytes + size > self.bound {
            let Some(oldest) = self.order.front().copied() else { break };
            self.delete(oldest);
            gone.push(oldest);
        }
        gone
    }

    /// What cannot be deleted stays behind as bytes that nobody can read.
    fn delete(&mut self, name: Name) {
        if let Err(error) = fs::remove_file(self.path(name)) {
            tracing::warn!(%error, "a file of the vault cannot be deleted");
        }
        self.bytes -= self.files.remove(&name).unwrap_or_default();
        self.order.retain(|other| *other != name);
    }

    fn path(&self, name: Name) -> PathBuf {
        self.directory.join(hex::encode(name.0)).with_extension(EXTENSION)
    }
}

fn cipher() -> io::Result<XChaCha20Poly1305> {
    let key = Key::try_generate().map_err(io::Error::other)?;
    Ok(XChaCha20Poly1305::new(&key))
}

fn create_private(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

fn head(Label { origin, tokens, .. }: &Label) -> Vec<u8> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    let (kind, bytes) = match origin {
        Origin::Salt(salt) => (0, salt),
        Origin::After(name) => (1, &name.0),
    };
    head.push(kind);
    head.extend_from_slice(bytes);
    head.extend(tokens.iter().flat_map(|token| token.to_le_bytes()));
    head
}

fn label(name: Name, head: &[u8]) -> Option<Label> {
    let (origin, tokens) = head.split_at_checked(ORIGIN_BYTES)?;
    let bytes: [u8; 16] = origin[1..].try_into().ok()?;
    let origin = if origin[0] == 0 { Origin::Salt(bytes) } else { Origin::After(Name(bytes)) };
    let tokens = tokens.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
    Some(Label { name, origin, tokens })
}
