//! Reading PDF objects without trusting them: a missing or wrong entry is `None`, never an error.
//! Knows nothing of what the objects mean.

use lopdf::Dictionary;
use lopdf::Document;
use lopdf::Object;
use lopdf::Stream;

/// Follows references to the object they name; a reference to nothing stays as it is.
pub(super) fn resolve<'a>(document: &'a Document, object: &'a Object) -> &'a Object {
    document.dereference(object).map_or(object, |(_, found)| found)
}

/// Returns an entry with references followed.
pub(super) fn entry<'a>(
    document: &'a Document,
    dictionary: &'a Dictionary,
    key: &[u8],
) -> Option<&'a Object> {
    dictionary.get(key).ok().map(|object| resolve(document, object))
}

/// Returns an entry that is a dictionary, or the dictionary of one that is a stream.
pub(super) fn dictionary<'a>(
    document: &'a Document,
    parent: &'a Dictionary,
    key: &[u8],
) -> Option<&'a Dictionary> {
    entry(document, parent, key).and_then(as_dictionary)
}

/// Takes an object as a dictionary; a stream counts as its own dictionary.
pub(super) fn as_dictionary(object: &Object) -> Option<&Dictionary> {
    match object.as_dict() {
        Ok(dictionary) => Some(dictionary),
        Err(_) => object.as_stream().ok().map(|stream| &stream.dict),
    }
}

/// Returns an entry that is an array.
pub(super) fn array<'a>(document: &'a Document, parent: &'a Dictionary, key: &[u8]) -> Option<&'a [Object]> {
    entry(document, parent, key)?.as_array().ok().map(Vec::as_slice)
}

/// Returns an entry that is a stream.
pub(super) fn stream<'a>(document: &'a Document, parent: &'a Dictionary, key: &[u8]) -> Option<&'a Stream> {
    entry(document, parent, key)?.as_stream().ok()
}

/// Returns an entry that is a name.
pub(super) fn name<'a>(document: &'a Document, parent: &'a Dictionary, key: &[u8]) -> Option<&'a [u8]> {
    entry(document, parent, key)?.as_name().ok()
}

/// Returns an entry that is a finite number.
pub(super) fn number(document: &Document, parent: &Dictionary, key: &[u8]) -> Option<f64> {
    as_number(entry(document, parent, key)?)
}

/// Returns an entry that is an array of exactly `N` numbers.
pub(super) fn numbers<const N: usize>(
    document: &Document,
    parent: &Dictionary,
    key: &[u8],
) -> Option<[f64; N]> {
    let array = array(document, parent, key)?;
    let mut numbers = [0.0; N];
    if array.len() < N {
        return None;
    }
    for (number, object) in numbers.iter_mut().zip(array) {
        *number = as_number(resolve(document, object))?;
    }
    Some(numbers)
}

/// Takes an object as a finite number.
pub(super) fn as_number(object: &Object) -> Option<f64> {
    object.as_float().ok().map(f64::from).filter(|number| number.is_finite())
}

/// Unpacks a stream; `None` if it is damaged or larger than `limit` bytes.
pub(super) fn unpack(stream: &Stream, limit: usize) -> Option<Vec<u8>> {
    stream.get_plain_content_with_limit(limit).ok()
}
