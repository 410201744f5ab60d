//! The jobs of what the viewer may read: under way, waiting, failed and stopped, with buttons to stop them or begin them
//! again. Knows no store.

use super::layout::Room;
use super::layout::Viewer;
use super::layout::page;
use crate::domain::Begin;
use crate::domain::Job;
use crate::domain::JobId;
use crate::domain::JobState;
use crate::domain::Page;
use crate::domain::Stage;
use crate::http::State as Service;
use crate::http::auth::Caller;
use crate::http::error::AppError;
use crate::http::params::Segments;
use crate::ports::JobQuery;
use axum::Form;
use axum::extract::Query;
use axum::extract::State;
use axum::response::Redirect;
use maud::Markup;
use maud::html;
use serde::Deserialize;
use std::sync::Arc;

/// Rows of the list.
const ROWS: i64 = 50;
/// What is shown where no state is asked for: whatever is not as it should be in the end.
const OPEN: [JobState; 4] = [JobState::Running, JobState::Ready, JobState::Failed, JobState::Stopped];

#[derive(Deserialize)]
pub(super) struct Listed {
    state: Option<JobState>,
    cursor: Option<JobId>,
}

/// Where a form leads back to.
#[derive(Deserialize)]
pub(super) struct Act {
    #[serde(default)]
    back: String,
    from: Option<Begin>,
}

pub(super) async fn list(
    State(state): State<Arc<Service>>,
    caller: Caller,
    Query(listed): Query<Listed>,
) -> Result<Markup, AppError> {
    let states = listed.state.map_or_else(|| OPEN.to_vec(), |state| vec![state]);
    let query = JobQuery { states, before: listed.cursor, limit: ROWS, ..JobQuery::default() };
    let jobs = state.job_control.list(&query, &caller.principal.acl_filter()).await?;
    Ok(jobs_page(&caller.viewer(), &listed, &jobs))
}

pub(super) async fn stop(
    State(state): State<Arc<Service>>,
    caller: Caller,
    Segments(id): Segments<JobId>,
    Form(act): Form<Act>,
) -> Result<Redirect, AppError> {
    state.ingest.stop(&caller.principal, id).await?;
    Ok(Redirect::to(back(&act)))
}

pub(super) async fn retry(
    State(state): State<Arc<Service>>,
    caller: Caller,
    Segments(id): Segments<JobId>,
    Form(act): Form<Act>,
) -> Result<Redirect, AppError> {
    state.ingest.retry(&caller.principal, id, act.from).await?;
    Ok(Redirect::to(back(&act)))
}

/// A document's page, or the list.
fn back(act: &Act) -> &str {
    let id = act.back.strip_prefix("/documents/");
    let plain = |id: &str| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if id.is_some_and(plain) { &act.back } else { "/jobs" }
}

/// A form that ends a job and leads back.
pub(super) fn stop_form(viewer: &Viewer<'_>, job: JobId, back: &str) -> Markup {
    form(viewer, &format!("/jobs/{job}/stop"), back, "Stop")
}

/// A form that begins a job again and leads back.
pub(super) fn try_again(viewer: &Viewer<'_>, job: JobId, back: &str) -> Markup {
    form(viewer, &format!("/jobs/{job}/retry"), back, "Try again")
}

fn form(viewer: &Viewer<'_>, to: &str, back: &str, text: &str) -> Markup {
    html! {
        form method="post" action=(to) {
            input type="hidden" name="csrf" value=(viewer.csrf);
            input type="hidden" name="back" value=(back);
            button.plain type="submit" { (text) }
        }
    }
}

fn jobs_page(viewer: &Viewer<'_>, listed: &Listed, jobs: &Page<Job>) -> Markup {
    let live = listed.state.is_none() && listed.cursor.is_none();
    let body = html! {
        h1 { "Jobs" }
        p.quiet { "Documents on their way in, and those that did not come in." }
        p.row data-live[live] {
            (choice(listed.state, None, "Open"))
            @for state in JobState::ALL { (choice(listed.state, Some(state), name(state))) }
        }
        @if jobs.data.is_empty() {
            p.quiet { "There are none." }
        } @else {
            (table(viewer, jobs))
            @if let Some(cursor) = &jobs.next_cursor {
                p { a.button href=(path(listed.state, Some(cursor))) { "More" } }
            }
        }
    };
    page("Jobs", Some(viewer), Room::Jobs, &["jobs.js"], &body)
}

fn choice(chosen: Option<JobState>, state: Option<JobState>, text: &str) -> Markup {
    html! { a href=(path(state, None)) aria-current=[(chosen == state).then_some("true")] { (text) } }
}

fn path(state: Option<JobState>, cursor: Option<&str>) -> String {
    let state = state.map(|state| format!("state={}", state.as_str()));
    let cursor = cursor.map(|cursor| format!("cursor={cursor}"));
    let query: Vec<String> = state.into_iter().chain(cursor).collect();
    if query.is_empty() { "/jobs".to_owned() } else { format!("/jobs?{}", query.join("&")) }
}

const fn name(state: JobState) -> &'static str {
    match state {
        JobState::Ready => "Waiting",
        JobState::Running => "Running",
        JobState::Succeeded => "Succeeded",
        JobState::Failed => "Failed",
        JobState::Stopped => "Stopped",
    }
}

fn table(viewer: &Viewer<'_>, jobs: &Page<Job>) -> Markup {
    html! {
        div.scroll { table {
            thead { tr { th { "File" } th { "State" } th { "How far" } th.number { "Attempts" } th { "Since" } th {} } }
            tbody { @for job in &jobs.data { (row(viewer, job)) } }
        } }
    }
}

fn row(viewer: &Viewer<'_>, job: &Job) -> Markup {
    let running = (job.state == JobState::Running).then_some(job.id);
    let waiting = (job.state == JobState::Ready).then_some(job.id);
    html! {
        tr data-running=[running] data-waiting=[waiting] {
            td {
                a href={ "/documents/" (job.document_id) } { (job.file_name) }
                @if job.version > 1 { ", version " (job.version) }
            }
            td { span class={ "status " (name(job.state).to_lowercase()) } { (name(job.state)) } }
            td { (how_far(job)) }
            td.number { (job.attempts) " of " (job.max_attempts) }
            td { (job.created_at.date()) }
            td { @if viewer.principal.may_write(job.collection_id) {
                @match job.state {
                    JobState::Ready | JobState::Running => { (stop_form(viewer, job.id, "/jobs")) }
                    JobState::Failed | JobState::Stopped => { (try_again(viewer, job.id, "/jobs")) }
                    JobState::Succeeded => { (again_from(viewer, job.id)) }
                }
            } }
        }
    }
}

fn how_far(job: &Job) -> Markup {
    let (stage, done, total) = (job.progress.stage.as_str(), job.progress.done, job.progress.total);
    html! {
        @if job.state == JobState::Running {
            span data-stage { (stage) @if total > 0 { " " (done) " of " (total) } }
            @if total > 0 { progress aria-label="Progress" max=(total) value=(done) {} } @else { progress aria-label="Progress" {} }
        }
        @if job.state == JobState::Ready {
            @match job.progress.stage {
                Stage::Embed => "found by its words; waits to be embedded",
                Stage::Recognise => "waits for its pages to be recognised",
                Stage::Queued | Stage::Read | Stage::Chunk | Stage::Index | Stage::Done => "",
            }
        }
        @if let Some(error) = &job.error {
            div.error {
                (error.detail) " (" code { (error.code) } ")"
                @if let Some(stage) = job.failed_stage { ", at the stage " (stage.as_str()) }
            }
        }
    }
}

/// A whole version may be begun with any stage.
fn again_from(viewer: &Viewer<'_>, job: JobId) -> Markup {
    html! {
        form.row method="post" action={ "/jobs/" (job) "/retry" } {
            input type="hidden" name="csrf" value=(viewer.csrf);
            select name="from" aria-label="Begin with" {
                option value=(Begin::Read.as_str()) { "Read the file" }
                option value=(Begin::Chunk.as_str()) { "Cut the text" }
                option value=(Begin::Embed.as_str()) { "Embed the passages" }
            }
            button.plain type="submit" { "Process again" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_leads_back_to_a_page_of_this_site_alone() {
        let check = |given: &str, expected: &str| {
            assert_eq!(back(&Act { back: given.to_owned(), from: None }), expected);
        };

        check("/documents/0198-ab", "/documents/0198-ab");
        check("/documents//evil.example", "/jobs");
        check("https://evil.example", "/jobs");
        check("", "/jobs");
    }
}
