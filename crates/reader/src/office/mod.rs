//! What the formats of Office Open XML (ISO/IEC 29500) share: the archive, the way from part to part, and the walk over a
//! part's XML. Knows no kind of document.

pub(crate) mod package;
pub(crate) mod properties;
pub(crate) mod relationships;
pub(crate) mod xml;
