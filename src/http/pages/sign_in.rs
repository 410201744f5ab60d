//! The sign-in page. Knows no password.

use super::layout::Room;
use super::layout::page;
use maud::Markup;
use maud::html;

/// The form; `problem` says why the last try failed.
pub(super) fn sign_in(problem: Option<&str>, next: &str) -> Markup {
    let body = html! {
        div.panel.narrow {
            h1 { "Sign in to Docent" }
            @if let Some(problem) = problem { p.notice.error role="alert" { (problem) } }
            form method="post" action="/sign-in" {
                input type="hidden" name="next" value=(next);
                label for="name" { "Name" }
                input #name type="text" name="name" autocomplete="username" required autofocus;
                label for="password" { "Password" }
                input #password type="password" name="password" autocomplete="current-password" required;
                button type="submit" { "Sign in" }
            }
            p.quiet { "The first start of the service printed the name and password of the first administrator." }
        }
    };
    page("Sign in", None, Room::Outside, &[], &body)
}
