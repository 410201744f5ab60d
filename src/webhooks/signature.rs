//! Signatures by the Standard Webhooks scheme, version 1.0.0 (standardwebhooks.com): HMAC-SHA256 over id, time and body,
//! parted by full stops. Knows no receiver.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use rand::TryRng;
use rand::rngs::SysRng;
use secrecy::ExposeSecret;
use secrecy::SecretString;
use sha2::Sha256;

const PREFIX: &str = "whsec_";

/// A new secret: 256 bits.
pub(super) fn make_secret() -> SecretString {
    let mut bytes = [0; 32];
    SysRng.try_fill_bytes(&mut bytes).expect("the system gives random numbers");
    format!("{PREFIX}{}", STANDARD.encode(bytes)).into()
}

/// The value of `webhook-signature`; none when the secret is not one of ours.
pub(super) fn sign(secret: &SecretString, id: &str, timestamp: i64, body: &str) -> Option<String> {
    let key = STANDARD.decode(secret.expose_secret().strip_prefix(PREFIX)?).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body.as_bytes());
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_standard() {
        // The example of the Standard Webhooks reference libraries.
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into();

        let signature =
            sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);

        assert_eq!(signature.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    }

    #[test]
    fn a_secret_is_new_each_time_and_signs() {
        let (one, other) = (make_secret(), make_secret());

        assert_ne!(one.expose_secret(), other.expose_secret());
        assert_ne!(sign(&one, "a", 1, "{}"), sign(&other, "a", 1, "{}"));
        assert!(sign(&one, "a", 1, "{}").is_some());
        assert!(sign(&"dk_x".into(), "a", 1, "{}").is_none());
    }
}
