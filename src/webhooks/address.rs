//! Which addresses may be called: hosts that the configuration names, one by one, over TLS unless it says otherwise. A
//! service that posts wherever it is told would reach into the network that it stands in. Knows no request.

use crate::domain::Fault;
use crate::domain::Faulty;
use reqwest::Url;
use std::net::IpAddr;

/// Longest address, in bytes.
const MAX: usize = 2_000;

/// Why an address may not be called.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is none.
    #[error("`url` is no address of a webhook: {0}")]
    Invalid(&'static str),
    /// Its host is not named.
    #[error("`{0}` is not in `webhooks.allowed_hosts` of the configuration, so nothing is sent there")]
    NotAllowed(String),
    /// It is named, but not for plain HTTP.
    #[error("`{0}` is called over https only; `webhooks.allowed_hosts` would have to say `http://{0}`")]
    Insecure(String),
}

impl Faulty for AddressError {
    fn fault(&self) -> Fault {
        match self {
            Self::Invalid(_) | Self::NotAllowed(_) | Self::Insecure(_) => Fault::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid_url",
            Self::NotAllowed(_) => "host_not_allowed",
            Self::Insecure(_) => "https_needed",
        }
    }
}

/// Says whether `allowed` names the address's host. An entry is `host` or `host:port`, exact; without a port it means
/// the scheme's own. `http://` before it allows plain HTTP; this machine itself needs no TLS.
pub(super) fn check(url: &str, allowed: &[String]) -> Result<(), AddressError> {
    if url.len() > MAX {
        return Err(AddressError::Invalid("it is too long"));
    }
    let url =
        Url::parse(url).map_err(|_| AddressError::Invalid("it does not look like https://host/path"))?;
    let host = url.host_str().ok_or(AddressError::Invalid("it has no host"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(AddressError::Invalid("it takes no user and password"));
    }
    if url.fragment().is_some() {
        return Err(AddressError::Invalid("it takes no fragment"));
    }
    let place = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let named = |entry: &str| allowed.iter().any(|one| one.eq_ignore_ascii_case(entry));
    let plainly = named(&format!("http://{place}"));
    match url.scheme() {
        "https" if named(&place) => Ok(()),
        "http" if plainly || (named(&place) && is_loopback(host)) => Ok(()),
        "http" if named(&place) => Err(AddressError::Insecure(place)),
        "https" | "http" => Err(AddressError::NotAllowed(place)),
        _ => Err(AddressError::Invalid("it is neither https nor http")),
    }
}

/// A name but `localhost` may mean any machine tomorrow.
fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(url: &str, allowed: &[&str]) -> Result<(), AddressError> {
        let allowed: Vec<String> = allowed.iter().map(|entry| (*entry).to_owned()).collect();
        check(url, &allowed)
    }

    #[test]
    fn nothing_is_called_unless_it_is_named() {
        for url in ["https://hooks.example/a", "http://127.0.0.1:9000/", "http://169.254.169.254/latest"] {
            assert!(matches!(checked(url, &[]), Err(AddressError::NotAllowed(_))), "{url}");
        }
    }

    #[test]
    fn an_entry_is_exact() {
        let allowed =
            ["hooks.example", "other.example:8443", "http://plain.example", "127.0.0.1:9000", "[::1]:9000"];
        for fine in [
            "https://hooks.example/a?b=c",
            "https://HOOKS.example:443/",
            "https://other.example:8443/",
            "http://plain.example/x",
            "http://127.0.0.1:9000/x",
            "http://[::1]:9000/x",
        ] {
            assert_eq!(checked(fine, &allowed), Ok(()), "{fine}");
        }
        for wrong in [
            "https://hooks.example:8443/",
            "https://other.example/",
            "https://evil.hooks.example/",
            "https://hooks.example.evil/",
            "http://127.0.0.1:9001/x",
            "http://127.1:9001/",
            "https://plain.example/",
        ] {
            assert!(matches!(checked(wrong, &allowed), Err(AddressError::NotAllowed(_))), "{wrong}");
        }
        assert_eq!(
            checked("http://hooks.example/", &allowed),
            Err(AddressError::Insecure("hooks.example".to_owned()))
        );
    }

    #[test]
    fn what_is_no_address_is_told_apart() {
        for wrong in [
            "",
            "hooks.example",
            "file:///etc/passwd",
            "gopher://hooks.example",
            "https://user@hooks.example/",
            "https://hooks.example@evil.example/",
            "https://hooks.example/#a",
            &format!("https://hooks.example/{}", "a".repeat(MAX)),
        ] {
            assert!(matches!(checked(wrong, &["hooks.example"]), Err(AddressError::Invalid(_))), "{wrong}");
        }
    }
}
