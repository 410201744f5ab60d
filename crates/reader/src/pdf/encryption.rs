//! Files whose encryption is described in the trailer itself. `lopdf` looks for it only where a reference leads: such a
//! file gets an update at its end that has it as an object of its own (ISO 32000-1, 7.5.6). Knows no cipher.

use lopdf::Dictionary;
use lopdf::Document;
use lopdf::Object;
use std::io::Write;

/// Deeper dictionaries describe no encryption.
const MAX_DEPTH: usize = 8;

/// Returns the file with its encryption as an object, if it was written into the trailer and the file is otherwise whole.
pub(super) fn with_reference(bytes: &[u8], document: &Document) -> Option<Vec<u8>> {
    let encryption = document.trailer.get(b"Encrypt").ok()?.as_dict().ok()?;
    if document.xref_recovery.is_some() || document.xref_start == 0 {
        return None;
    }
    let highest = document.reference_table.entries.keys().next_back().copied().unwrap_or(0);
    let number = highest.max(document.max_id).checked_add(1)?;
    let mut file = Vec::with_capacity(bytes.len() + 2_048);
    file.extend_from_slice(bytes);
    file.push(b'\n');
    let object_at = file.len();
    write!(file, "{number} 0 obj\n").ok()?;
    write_dictionary(&mut file, encryption, 0)?;
    file.extend_from_slice(b"\nendobj\n");
    let table_at = file.len();
    write!(file, "xref\n{number} 1\n{object_at:010} 00000 n \ntrailer\n").ok()?;
    let mut trailer = Dictionary::new();
    for key in [&b"Root"[..], b"Info", b"ID"] {
        if let Ok(entry) = document.trailer.get(key) {
            trailer.set(key, entry.clone());
        }
    }
    trailer.set("Size", i64::from(number) + 1);
    trailer.set("Encrypt", Object::Reference((number, 0)));
    trailer.set("Prev", i64::try_from(document.xref_start).ok()?);
    write_dictionary(&mut file, &trailer, 0)?;
    write!(file, "\nstartxref\n{table_at}\n%%EOF\n").ok()?;
    Some(file)
}

fn write_object(file: &mut Vec<u8>, object: &Object, depth: usize) -> Option<()> {
    match object {
        Object::Null => file.extend_from_slice(b"null"),
        Object::Boolean(value) => write!(file, "{value}").ok()?,
        Object::Integer(number) => write!(file, "{number}").ok()?,
        Object::Real(number) => write!(file, "{number}").ok()?,
        Object::Name(name) => write_name(file, name)?,
        Object::String(text, _) => {
            file.push(b'<');
            for byte in text {
                write!(file, "{byte:02x}").ok()?;
            }
            file.push(b'>');
        }
        Object::Array(items) => {
            file.push(b'[');
            for item in items.iter().filter(|_| depth < MAX_DEPTH) {
                write_object(file, item, depth + 1)?;
                file.push(b' ');
            }
            file.push(b']');
        }
        Object::Dictionary(dictionary) => write_dictionary(file, dictionary, depth + 1)?,
        Object::Reference((number, generation)) => write!(file, "{number} {generation} R").ok()?,
        Object::Stream(_) => return None,
    }
    Some(())
}

fn write_dictionary(file: &mut Vec<u8>, dictionary: &Dictionary, depth: usize) -> Option<()> {
    file.extend_from_slice(b"<<");
    for (key, value) in dictionary.iter().filter(|_| depth < MAX_DEPTH) {
        write_name(file, key)?;
        file.push(b' ');
        write_object(file, value, depth)?;
    }
    file.extend_from_slice(b">>");
    Some(())
}

fn write_name(file: &mut Vec<u8>, name: &[u8]) -> Option<()> {
    file.push(b'/');
    for &byte in name {
        if byte.is_ascii_alphanumeric() {
            file.push(byte);
        } else {
            write!(file, "#{byte:02x}").ok()?;
        }
    }
    Some(())
}
