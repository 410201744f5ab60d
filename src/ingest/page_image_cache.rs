//! Page images that were painted lately. Knows no document's rights: who asks it has checked them.

use crate::domain::DocumentId;
use crate::domain::Span;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

/// Bytes of images that are kept.
const CAPACITY: usize = 64 << 20;

/// Everything that an image depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ImageKey {
    pub(super) document: DocumentId,
    pub(super) version: i32,
    pub(super) page: u32,
    pub(super) highlight: Option<Span>,
    /// Thousandths of a pixel a point.
    pub(super) scale: u32,
}

/// The images used last, within a fixed number of bytes.
#[derive(Default)]
pub(super) struct PageImageCache {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    images: HashMap<ImageKey, (u64, Vec<u8>)>,
    bytes: usize,
    uses: u64,
}

impl PageImageCache {
    /// The image, if it is still there.
    pub(super) fn get(&self, key: &ImageKey) -> Option<Vec<u8>> {
        let mut inner = self.lock();
        inner.uses += 1;
        let now = inner.uses;
        let (used, image) = inner.images.get_mut(key)?;
        *used = now;
        Some(image.clone())
    }

    /// Keeps an image; those used longest ago make room.
    pub(super) fn put(&self, key: ImageKey, image: &[u8]) {
        if image.len() > CAPACITY / 4 {
            return;
        }
        let mut inner = self.lock();
        while inner.bytes + image.len() > CAPACITY {
            let oldest = inner.images.iter().min_by_key(|(_, (used, _))| *used).map(|(key, _)| key.clone());
            let Some(oldest) = oldest else { break };
            inner.remove(&oldest);
        }
        inner.uses += 1;
        let now = inner.uses;
        inner.remove(&key);
        inner.bytes += image.len();
        inner.images.insert(key, (now, image.to_vec()));
    }

    /// Drops every image of a document that is deleted.
    pub(super) fn forget(&self, document: DocumentId) {
        let mut inner = self.lock();
        let gone: Vec<ImageKey> =
            inner.images.keys().filter(|key| key.document == document).cloned().collect();
        for key in gone {
            inner.remove(&key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn remove(&mut self, key: &ImageKey) {
        if let Some((_, image)) = self.images.remove(key) {
            self.bytes -= image.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(document: DocumentId, page: u32) -> ImageKey {
        ImageKey { document, version: 1, page, highlight: None, scale: 1_500 }
    }

    #[test]
    fn the_image_used_longest_ago_makes_room() {
        let (cache, document) = (PageImageCache::default(), DocumentId::new());
        let image = vec![0; CAPACITY / 4];
        for page in 0..4 {
            cache.put(key(document, page), &image);
        }
        cache.get(&key(document, 0));

        cache.put(key(document, 4), &image);

        assert!(cache.get(&key(document, 0)).is_some());
        assert!(cache.get(&key(document, 1)).is_none());
        assert_eq!(cache.lock().bytes, CAPACITY);
    }

    #[test]
    fn a_deleted_document_leaves_no_image() {
        let (cache, gone, stays) = (PageImageCache::default(), DocumentId::new(), DocumentId::new());
        cache.put(key(gone, 1), b"gone");
        cache.put(key(stays, 1), b"stays");

        cache.forget(gone);

        assert!(cache.get(&key(gone, 1)).is_none());
        assert_eq!(cache.get(&key(stays, 1)).unwrap(), b"stays");
        assert_eq!(cache.lock().bytes, 5);
    }
}
