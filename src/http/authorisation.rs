//! Who may call what: every route of the service, denied unless it stands here. The gate reads this table by method and
//! matched path; a test compares it with the router. Knows no request and no grant: grants are checked by each resource.

use crate::domain::Role;

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// Anybody, without signing in.
    Public,
    /// Whoever is signed in.
    SignedIn,
    /// Who holds one of the roles.
    Any(&'static [Role]),
    /// A program on this machine that came through no proxy, or who holds one of the roles.
    LocalOr(&'static [Role]),
}

/// How often a route may be called, by the limits of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Without limit: probes and static files.
    Free,
    /// `http.requests_per_minute` of a caller.
    Request,
    /// Also `http.questions_per_minute` of a caller.
    Question,
    /// `http.sign_ins_per_minute` of an address.
    SignIn,
}

/// How long a route may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deadline {
    /// `http.request_timeout_ms`.
    Request,
    /// It streams in or out and ends by limits of its own.
    Own,
}

/// What a refusal looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Surface {
    /// A problem as JSON.
    Api,
    /// A page for a person; who is not signed in is led to the sign-in page.
    Page,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    pub(super) method: &'static str,
    /// As the router has it, such as `/api/v1/jobs/{id}`.
    pub(super) path: &'static str,
    pub(super) who: Who,
    pub(super) pace: Pace,
    pub(super) deadline: Deadline,
    pub(super) surface: Surface,
}

impl Rule {
    /// A route of the API that answers within the request's deadline.
    pub(super) const fn api(method: &'static str, path: &'static str, who: Who) -> Self {
        let (pace, deadline, surface) = (Pace::Request, Deadline::Request, Surface::Api);
        Self { method, path, who, pace, deadline, surface }
    }

    /// A page for a person.
    pub(super) const fn page(method: &'static str, path: &'static str, who: Who) -> Self {
        Self { surface: Surface::Page, ..Self::api(method, path, who) }
    }

    /// The same with another pace.
    pub(super) const fn at(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// The same, ending by limits of its own.
    pub(super) const fn streaming(self) -> Self {
        Self { deadline: Deadline::Own, ..self }
    }
}

/// Who asks and reads. An auditor as such does not ask, an administrator as such does not read.
pub(super) const READERS: Who = Who::Any(&[Role::Viewer, Role::Contributor]);
/// Who puts documents in and takes them out; which collections is said by grants.
pub(super) const WRITERS: Who = Who::Any(&[Role::Contributor]);
/// Who manages users, collections and grants.
pub(super) const ADMINS: Who = Who::Any(&[Role::Admin]);
/// Who reads the log.
pub(super) const AUDITORS: Who = Who::Any(&[Role::Auditor]);
/// Who sees the list of collections.
pub(super) const READERS_AND_ADMINS: Who = Who::Any(&[Role::Viewer, Role::Contributor, Role::Admin]);

/// Who has an answer computed once more: whose it is, and auditors.
pub(super) const READERS_AND_AUDITORS: Who = Who::Any(&[Role::Viewer, Role::Contributor, Role::Auditor]);

/// Every route but those of the pages, which bring their own rows.
pub(super) const TABLE: &[Rule] = &[
    Rule::api("POST", "/api/v1/session", Who::Public).at(Pace::SignIn),
    Rule::api("DELETE", "/api/v1/session", Who::SignedIn),
    Rule::api("GET", "/api/v1/me", Who::SignedIn),
    Rule::api("GET", "/api/v1/users", ADMINS),
    Rule::api("POST", "/api/v1/users", ADMINS),
    Rule::api("GET", "/api/v1/keys", Who::SignedIn),
    Rule::api("POST", "/api/v1/keys", Who::SignedIn),
    Rule::api("DELETE", "/api/v1/keys/{id}", Who::SignedIn),
    Rule::api("GET", "/api/v1/collections", READERS_AND_ADMINS),
    Rule::api("POST", "/api/v1/collections", ADMINS),
    Rule::api("GET", "/api/v1/collections/{id}", READERS_AND_ADMINS),
    Rule::api("GET", "/api/v1/collections/{id}/grants", ADMINS),
    Rule::api("PUT", "/api/v1/collections/{id}/grants/{user_id}", ADMINS),
    Rule::api("DELETE", "/api/v1/collections/{id}/grants/{user_id}", ADMINS),
    Rule::api("GET", "/api/v1/collections/{id}/documents", READERS),
    Rule::api("POST", "/api/v1/collections/{id}/documents", WRITERS).streaming(),
    Rule::api("GET", "/api/v1/documents/{id}", READERS),
    Rule::api("DELETE", "/api/v1/documents/{id}", WRITERS),
    Rule::api("POST", "/api/v1/documents/{id}/versions", WRITERS).streaming(),
    Rule::api("GET", "/api/v1/documents/{id}/versions", READERS),
    Rule::api("GET", "/api/v1/documents/{id}/similar", READERS),
    Rule::api("GET", "/api/v1/documents/{id}/diff", READERS),
    Rule::api("OPTIONS", "/api/v1/uploads", WRITERS),
    Rule::api("POST", "/api/v1/uploads", WRITERS),
    Rule::api("GET", "/api/v1/uploads/{id}", WRITERS),
    Rule::api("HEAD", "/api/v1/uploads/{id}", WRITERS),
    Rule::api("PATCH", "/api/v1/uploads/{id}", WRITERS).streaming(),
    Rule::api("DELETE", "/api/v1/uploads/{id}", WRITERS),
    Rule::api("GET", "/api/v1/passages/{id}", READERS),
    Rule::api("GET", "/api/v1/documents/{id}/content", READERS),
    Rule::api("GET", "/api/v1/documents/{id}/outline", READERS),
    Rule::api("GET", "/api/v1/documents/{id}/clauses/{address}", READERS),
    Rule::api("GET", "/api/v1/documents/{id}/pages", READERS),
    Rule::api("GET", "/api/v1/documents/{id}/pages/{n}", READERS),
    Rule::api("GET", "/api/v1/documents/{id}/pages/{n}/image", READERS),
    Rule::api("GET", "/api/v1/documents/{id}/pages/{n}/view", READERS),
    Rule::api("GET", "/api/v1/jobs", READERS),
    Rule::api("GET", "/api/v1/jobs/{id}", READERS),
    Rule::api("POST", "/api/v1/jobs/{id}/stop", WRITERS),
    Rule::api("POST", "/api/v1/jobs/{id}/retry", WRITERS),
    Rule::api("GET", "/api/v1/jobs/{id}/events", READERS).streaming(),
    Rule::api("POST", "/api/v1/search", READERS).at(Pace::Question),
    Rule::api("POST", "/api/v1/answers", READERS).at(Pace::Question).streaming(),
    Rule::api("GET", "/api/v1/answers/{id}", READERS),
    Rule::api("GET", "/api/v1/answers/{id}/receipt", READERS),
    Rule::api("POST", "/api/v1/answers/{id}/replay", READERS_AND_AUDITORS).at(Pace::Question).streaming(),
    Rule::api("GET", "/api/v1/audit/events", AUDITORS),
    Rule::api("GET", "/api/v1/audit/events/{id}", AUDITORS),
    Rule::api("GET", "/api/v1/audit/events/{id}/receipt", AUDITORS),
    Rule::api("GET", "/api/v1/audit/events/{id}/disclosure", AUDITORS).streaming(),
    Rule::api("GET", "/api/v1/audit/events/{id}/citations/{n}/image", AUDITORS),
    Rule::api("GET", "/api/v1/audit/events/{id}/citations/{n}/view", AUDITORS),
    Rule::api("POST", "/api/v1/audit/events/{id}/review", AUDITORS),
    Rule::api("GET", "/api/v1/audit/events.csv", AUDITORS).streaming(),
    Rule::api("GET", "/api/v1/audit/selection", AUDITORS).streaming(),
    Rule::api("GET", "/api/v1/audit/checkpoint", AUDITORS),
    Rule::api("GET", "/api/v1/audit/key", AUDITORS),
    Rule::api("GET", "/api/v1/audit/status", AUDITORS),
    Rule::api("GET", "/api/v1/audit/export", AUDITORS).streaming(),
    Rule::api("POST", "/api/v1/audit/verifications", AUDITORS).streaming(),
    Rule::api("GET", "/api/v1/audit/erasures", AUDITORS),
    Rule::api("POST", "/api/v1/audit/erasures", AUDITORS),
    Rule::api("GET", "/api/v1/audit/erasures/{id}", AUDITORS),
    Rule::api("POST", "/api/v1/audit/erasures/{id}/approval", AUDITORS).streaming(),
    Rule::api("POST", "/api/v1/audit/erasures/{id}/refusal", AUDITORS),
    Rule::api("GET", "/api/v1/audit/holds", AUDITORS),
    Rule::api("POST", "/api/v1/audit/holds", AUDITORS),
    Rule::api("DELETE", "/api/v1/audit/holds/{id}", AUDITORS),
    Rule::api("GET", "/api/v1/webhooks", ADMINS),
    Rule::api("POST", "/api/v1/webhooks", ADMINS),
    Rule::api("DELETE", "/api/v1/webhooks/{id}", ADMINS),
    Rule::api("GET", "/api/v1/webhooks/{id}/deliveries", ADMINS),
    Rule::api("GET", "/healthz", Who::Public).at(Pace::Free),
    Rule::api("GET", "/readyz", Who::Public).at(Pace::Free),
    Rule::api("GET", "/metrics", Who::LocalOr(&[Role::Admin])).at(Pace::Free),
    Rule::api("GET", "/openapi.json", Who::Public).at(Pace::Free),
    Rule::api("GET", "/docs", Who::Public).at(Pace::Free),
];

/// The rows of a path; none when the path is not in the table.
pub(super) fn rules_of(
    tables: &'static [&'static [Rule]],
    path: &str,
) -> impl Iterator<Item = &'static Rule> {
    tables.iter().flat_map(|rows| rows.iter()).filter(move |rule| rule.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::routes_of_the_api;
    use std::collections::BTreeSet;

    #[test]
    fn every_route_of_the_api_is_in_the_table_and_every_row_has_a_route() {
        let (_, documented) = routes_of_the_api(1, 1).split_for_parts();
        let routes: BTreeSet<(String, String)> = documented
            .paths
            .paths
            .iter()
            .flat_map(|(path, item)| {
                let methods = [
                    ("GET", item.get.is_some()),
                    ("POST", item.post.is_some()),
                    ("PUT", item.put.is_some()),
                    ("PATCH", item.patch.is_some()),
                    ("DELETE", item.delete.is_some()),
                    ("HEAD", item.head.is_some()),
                    ("OPTIONS", item.options.is_some()),
                ];
                methods
                    .into_iter()
                    .filter(|(_, there)| *there)
                    .map(|(method, _)| (method.to_owned(), path.clone()))
                    .collect::<Vec<_>>()
            })
            .collect();

        let rows: BTreeSet<(String, String)> =
            TABLE.iter().map(|rule| (rule.method.to_owned(), rule.path.to_owned())).collect();

        assert_eq!(routes, rows);
        assert_eq!(rows.len(), TABLE.len(), "a route stands in the table twice");
    }

    #[test]
    fn only_what_has_to_be_public_is_public() {
        let public: Vec<&str> =
            TABLE.iter().filter(|rule| rule.who == Who::Public).map(|rule| rule.path).collect();

        assert_eq!(public, ["/api/v1/session", "/healthz", "/readyz", "/openapi.json", "/docs"]);
    }

    #[test]
    fn only_auditors_read_the_log_and_only_administrators_manage_users() {
        for rule in TABLE {
            if rule.path.starts_with("/api/v1/audit") {
                assert_eq!(rule.who, AUDITORS, "{}", rule.path);
            }
            if ["/api/v1/users", "/api/v1/webhooks"].iter().any(|path| rule.path.starts_with(path))
                || rule.path.contains("/grants")
            {
                assert_eq!(rule.who, ADMINS, "{}", rule.path);
            }
        }
    }
}
