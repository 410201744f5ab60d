//! The session's cookie, to and from text. Knows no session.

use axum::http::HeaderMap;
use axum::http::HeaderValue;
use axum::http::header;
use std::time::Duration;

const NAME: &str = "docent_session";
/// A browser takes a cookie of this name only with Secure, Path=/ and no Domain (RFC 6265bis §4.1.3.2).
const NAME_OVER_TLS: &str = "__Host-docent_session";

/// The session's secret in the request's cookies.
pub(super) fn read<'a>(headers: &'a HeaderMap, public_url: &str) -> Option<&'a str> {
    let wanted = name(public_url);
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == wanted)
        .map(|(_, secret)| secret)
}

/// Gives the secret to the browser for as long as the session lasts.
pub(super) fn write(secret: &str, lifetime: Duration, public_url: &str) -> HeaderValue {
    let secure = if public_url.starts_with("https://") { "; Secure" } else { "" };
    let cookie = format!(
        "{}={secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}{secure}",
        name(public_url),
        lifetime.as_secs()
    );
    HeaderValue::from_str(&cookie).expect("a secret is base62")
}

/// Takes it back.
pub(super) fn clear(public_url: &str) -> HeaderValue {
    write("", Duration::ZERO, public_url)
}

fn name(public_url: &str) -> &'static str {
    if public_url.starts_with("https://") { NAME_OVER_TLS } else { NAME }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(text: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static(text))])
    }

    #[test]
    fn a_session_is_found_among_other_cookies() {
        let headers = cookies("a=b; docent_session=secret; c=d");

        assert_eq!(read(&headers, "http://127.0.0.1:8080"), Some("secret"));
    }

    #[test]
    fn over_tls_only_the_cookie_that_no_neighbour_can_set_counts() {
        let headers = cookies("docent_session=planted");

        assert_eq!(read(&headers, "https://docent.example"), None);
    }

    #[test]
    fn a_cookie_is_out_of_reach_for_scripts_and_other_sites() {
        let cookie = write("s", Duration::from_mins(1), "https://docent.example");

        assert_eq!(cookie, "__Host-docent_session=s; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure");
        assert!(!write("s", Duration::from_mins(1), "http://localhost").to_str().unwrap().contains("Secure"));
    }
}
