//! A version's text, pages and passages as rows, written in batches that each end well within the deadline of a
//! statement. Knows no job.

use crate::adapters::postgres::error::store_error;
use crate::adapters::postgres::text::int;
use crate::adapters::postgres::text::json;
use crate::adapters::postgres::text::storable;
use crate::adapters::postgres::text::storable_title;
use crate::domain::ClaimedJob;
use crate::domain::PageLayout;
use crate::domain::Passage;
use crate::domain::Sketch;
use crate::ports::Extracted;
use crate::ports::StoreError;
use sqlx::PgConnection;

/// Characters of one stored piece of the text: small enough to unpack for one page, large enough to compress.
const PIECE_CHARACTERS: usize = 65_536;
/// Pieces of one statement: at most 4 MiB of ASCII, 16 MiB at worst.
const PIECES: usize = 64;
/// Pages of one statement; a page's layout is about 50 KiB.
const PAGES: usize = 64;
/// Passages of one statement; one is a few KiB.
const PASSAGES: usize = 512;

/// Replaces all that was stored of the job's version.
pub(super) async fn replace(
    connection: &mut PgConnection,
    job: &ClaimedJob,
    extracted: &Extracted,
) -> Result<(), StoreError> {
    clear(connection, job).await?;
    let content = storable(&extracted.content);
    let pieces = pieces(&content);
    for batch in pieces.chunks(PIECES) {
        insert_texts(connection, job, batch).await?;
    }
    for batch in extracted.pages.chunks(PAGES) {
        insert_pages(connection, job, batch).await?;
    }
    let embedded: Vec<&[u8; 32]> = extracted.embedded_sha256.iter().collect();
    let passages: Vec<(&Passage, &[u8; 32])> = extracted.passages.iter().zip(embedded).collect();
    for batch in passages.chunks(PASSAGES) {
        insert_passages(connection, job, batch).await?;
    }
    insert_outline(connection, job, extracted).await?;
    insert_sketch(connection, job, &extracted.sketch).await?;
    describe(connection, job, extracted).await
}

/// A piece of the text with its position in characters.
#[derive(Debug, PartialEq, Eq)]
struct Piece<'a> {
    first: usize,
    past: usize,
    text: &'a str,
}

fn pieces(content: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut rest, mut first) = (content, 0);
    while !rest.is_empty() {
        let cut = rest.char_indices().nth(PIECE_CHARACTERS).map(|(position, _)| position);
        let (text, after) = rest.split_at(cut.unwrap_or(rest.len()));
        let past = first + if cut.is_some() { PIECE_CHARACTERS } else { text.chars().count() };
        pieces.push(Piece { first, past, text });
        (rest, first) = (after, past);
    }
    pieces
}

async fn clear(connection: &mut PgConnection, job: &ClaimedJob) -> Result<(), StoreError> {
    sqlx::query_file!("src/adapters/postgres/queries/clear_extracted.sql", job.document.uuid(), job.version)
        .execute(connection)
        .await
        .map(|_done| ())
        .map_err(store_error)
}

async fn insert_texts(
    connection: &mut PgConnection,
    job: &ClaimedJob,
    pieces: &[Piece<'_>],
) -> Result<(), StoreError> {
    let firsts = column(pieces, |piece| position(piece.first))?;
    let pasts = column(pieces, |piece| position(piece.past))?;
    let texts: Vec<String> = pieces.iter().map(|piece| piece.text.to_owned()).collect();
    sqlx::query_file!(
        "src/adapters/postgres/queries/insert_texts.sql",
        job.document.uuid(),
        job.version,
        &firsts,
        &pasts,
        &texts
    )
    .execute(connection)
    .await
    .map(|_done| ())
    .map_err(store_error)
}

async fn insert_pages(
    connection: &mut PgConnection,
    job: &ClaimedJob,
    pages: &[PageLayout],
) -> Result<(), StoreError> {
    let numbers = column(pages, |page| int(page.number))?;
    let firsts = column(pages, |page| int(page.span.start))?;
    let pasts = column(pages, |page| int(page.span.end))?;
    let layouts = column(pages, json)?;
    sqlx::query_file!(
        "src/adapters/postgres/queries/insert_pages.sql",
        job.document.uuid(),
        job.version,
        &numbers,
        &firsts,
        &pasts,
        &layouts
    )
    .execute(connection)
    .await
    .map(|_done| ())
    .map_err(store_error)
}

async fn insert_passages(
    connection: &mut PgConnection,
    job: &ClaimedJob,
    passages: &[(&Passage, &[u8; 32])],
) -> Result<(), StoreError> {
    let ids: Vec<_> = passages.iter().map(|(passage, _)| passage.passage_id.uuid()).collect();
    let ordinals = column(passages, |(passage, _)| int(passage.ordinal))?;
    let pages = column(passages, |(passage, _)| int(passage.page))?;
    let firsts = column(passages, |(passage, _)| int(passage.span.start))?;
    let pasts = column(passages, |(passage, _)| int(passage.span.end))?;
    let boxes = column(passages, |(passage, _)| json(&passage.boxes))?;
    let heading_paths = column(passages, |(passage, _)| json(&passage.heading_path))?;
    let texts: Vec<String> =
        passages.iter().map(|(passage, _)| storable(&passage.text).into_owned()).collect();
    let table_headers: Vec<Option<String>> = passages
        .iter()
        .map(|(passage, _)| passage.table_header.as_deref().map(|rows| storable(rows).into_owned()))
        .collect();
    let embedded: Vec<Vec<u8>> = passages.iter().map(|(_, sha256)| sha256.to_vec()).collect();
    sqlx::query_file!(
        "src/adapters/postgres/queries/insert_passages.sql",
        job.document.uuid(),
        job.version,
        job.collection.uuid(),
        &ids,
        &ordinals,
        &pages,
        &firsts,
        &pasts,
        &boxes,
        &heading_paths,
        &texts,
        &table_headers as &[Option<String>],
        &embedded
    )
    .execute(connection)
    .await
    .map(|_done| ())
    .map_err(store_error)
}

async fn insert_outline(
    connection: &mut PgConnection,
    job: &ClaimedJob,
    extracted: &Extracted,
) -> Result<(), StoreError> {
    sqlx::query_file!(
        "src/adapters/postgres/queries/insert_outline.sql",
        job.document.uuid(),
        job.version,
        json(&extracted.clauses)?,
        json(&extracted.structure)?,
        extracted.made.read_with,
        extracted.made.cut_with,
        job.id.uuid(),
        extracted.made.reading
    )
    .execute(connection)
    .await
    .map(|_done| ())
    .map_err(store_error)
}

async fn insert_sketch(
    connection: &mut PgConnection,
    job: &ClaimedJob,
    sketch: &Sketch,
) -> Result<(), StoreError> {
    sqlx::query_file!(
        "src/adapters/postgres/queries/insert_sketch.sql",
        job.document.uuid(),
        job.version,
        job.collection.uuid(),
        sketch.to_bytes(),
        &sketch.bands()
    )
    .execute(connection)
    .await
    .map(|_done| ())
    .map_err(store_error)
}

async fn describe(
    connection: &mut PgConnection,
    job: &ClaimedJob,
    extracted: &Extracted,
) -> Result<(), StoreError> {
    let media_type = storable(&extracted.media_type);
    sqlx::query_file!(
        "src/adapters/postgres/queries/describe_version.sql",
        job.document.uuid(),
        job.version,
        &*media_type,
        storable_title(extracted.title.as_deref()),
        position(extracted.pages.len())?,
        position(extracted.passages.len())?,
        json(&extracted.coverage)?,
        json(&extracted.warnings)?
    )
    .execute(connection)
    .await
    .map(|_done| ())
    .map_err(store_error)
}

fn column<R, V>(rows: &[R], value: impl Fn(&R) -> Result<V, StoreError>) -> Result<Vec<V>, StoreError> {
    rows.iter().map(value).collect()
}

fn position(number: usize) -> Result<i32, StoreError> {
    int(u32::try_from(number).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_whole_characters_that_join_to_the_text() {
        let content = "合同é".repeat(PIECE_CHARACTERS);

        let pieces = pieces(&content);

        assert_eq!(pieces.len(), 3);
        assert!(pieces.windows(2).all(|pair| pair[0].past == pair[1].first));
        assert!(pieces.iter().all(|piece| piece.text.chars().count() == piece.past - piece.first));
        assert_eq!(pieces.iter().map(|piece| piece.text).collect::<String>(), content);
    }

    #[test]
    fn no_text_has_no_pieces() {
        assert_eq!(pieces(""), Vec::new());
    }
}
